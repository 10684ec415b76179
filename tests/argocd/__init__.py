"""The real Argo CD as processes on loopback: what tests and people try manifests, Lua and the charts on."""
