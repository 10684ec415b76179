"""deploy/argocd: its Lua run as Argo CD runs it, and what is generated from it."""
