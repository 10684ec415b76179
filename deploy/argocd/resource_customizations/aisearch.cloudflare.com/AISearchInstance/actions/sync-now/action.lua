-- Starts a sync as an AISearchSyncJob that the instance owns: Argo CD shows it below the instance, and neither
-- compares nor prunes it. The API server completes the name. The job goes a day after its end, and with the instance.
local job = {
  apiVersion = obj.apiVersion,
  kind = "AISearchSyncJob",
  metadata = {
    generateName = obj.metadata.name .. "-",
    namespace = obj.metadata.namespace,
    ownerReferences = {
      {
        apiVersion = obj.apiVersion,
        kind = obj.kind,
        name = obj.metadata.name,
        uid = obj.metadata.uid,
      },
    },
  },
  spec = {
    instanceRef = { name = obj.metadata.name },
    description = "Asked for in Argo CD",
    ttlSecondsAfterFinished = 86400,
  },
}
return { { operation = "create", resource = job } }
