-- The status follows kstatus: status.observedGeneration, and the conditions Ready, Reconciling and Stalled.
-- A run that ended well has Complete as well, one that ended otherwise Failed.

if obj.status == nil or obj.status.conditions == nil then
  return { status = "Progressing", message = "Waiting for the operator to see the resource" }
end
-- A new spec.runId runs a finished job again: what its conditions still say is about the run before.
if obj.status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to see the change of the spec" }
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end

local function holds(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

local message = ""
if conditions.Ready ~= nil then
  message = conditions.Ready.message
end

if holds("Failed") or holds("Stalled") then
  return { status = "Degraded", message = message }
end
if holds("Complete") then
  return { status = "Healthy", message = message }
end
-- A suspended hook holds its sync up until somebody resumes it, so nothing but spec.suspend leads here.
if obj.spec.suspend == true and holds("Suspended") then
  return { status = "Suspended", message = message }
end
return { status = "Progressing", message = message }
