-- Another value of spec.runId runs a finished job once more. Only together with it can a cancellation be taken back.
local os = require("os")
obj.spec.runId = os.date("!%Y-%m-%dT%H:%M:%SZ")
if obj.spec.cancel == true then
  obj.spec.cancel = false
end
return obj
