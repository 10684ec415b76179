local deleting = obj.metadata.deletionTimestamp ~= nil
local suspended = obj.spec.suspend == true

local ready = false
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "Ready" then
      ready = condition.status == "True"
    end
  end
end

-- Built-in storage has nothing to sync. What was there before may have a source that the spec does not name.
local sourceless = obj.spec.type == nil and obj.spec.source == nil
  and obj.spec.managementPolicy ~= "Observe" and obj.spec.adoptionPolicy ~= "IfExists"

local actions = {}
-- A sync job waits for an instance that is not ready: it would not be "now".
actions["sync-now"] = {
  displayName = "Sync now",
  iconClass = "fa fa-fw fa-sync",
  disabled = deleting or suspended or sourceless or not ready,
}
actions["reconcile-now"] = {
  displayName = "Reconcile now",
  iconClass = "fa fa-fw fa-redo",
  disabled = deleting or suspended,
}
actions["suspend"] = {
  displayName = "Suspend",
  iconClass = "fa fa-fw fa-pause",
  disabled = deleting or suspended,
}
actions["resume"] = {
  displayName = "Resume",
  iconClass = "fa fa-fw fa-play",
  disabled = deleting or not suspended,
}
return actions
