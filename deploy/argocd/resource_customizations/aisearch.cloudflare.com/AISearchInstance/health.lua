-- The status follows kstatus: status.observedGeneration, and the conditions Ready, Reconciling and Stalled.
-- Stalled means that a person must act; Ready=False alone, that the operator goes on by itself.

if obj.status == nil or obj.status.conditions == nil then
  return { status = "Progressing", message = "Waiting for the operator to see the resource" }
end
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

if holds("Stalled") then
  return { status = "Degraded", message = conditions.Stalled.message }
end
if obj.spec.suspend == true then
  return { status = "Suspended", message = message }
end
if holds("Ready") and not holds("Reconciling") then
  return { status = "Healthy", message = message }
end
return { status = "Progressing", message = message }
