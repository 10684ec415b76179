local deleting = obj.metadata.deletionTimestamp ~= nil
local suspended = obj.spec.suspend == true
local cancelled = obj.spec.cancel == true

-- What the conditions say of an earlier spec does not count: a job that was just told to run again is not over.
local finished = false
local indexing = false
if obj.status ~= nil and obj.status.conditions ~= nil and obj.status.observedGeneration == obj.metadata.generation then
  indexing = obj.status.phase == "Indexing"
  for _, condition in ipairs(obj.status.conditions) do
    if (condition.type == "Complete" or condition.type == "Failed") and condition.status == "True" then
      finished = true
    end
  end
end

local actions = {}
actions["cancel"] = {
  displayName = "Cancel",
  iconClass = "fa fa-fw fa-stop",
  disabled = deleting or finished or cancelled,
}
actions["retry"] = {
  displayName = "Run again",
  iconClass = "fa fa-fw fa-redo",
  disabled = deleting or not finished,
}
-- While the index is waited for, no job runs that could be suspended.
actions["suspend"] = {
  displayName = "Suspend",
  iconClass = "fa fa-fw fa-pause",
  disabled = deleting or finished or indexing or cancelled or suspended,
}
actions["resume"] = {
  displayName = "Resume",
  iconClass = "fa fa-fw fa-play",
  disabled = deleting or not suspended,
}
return actions
