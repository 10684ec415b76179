"""What the operator says to Kubernetes beside kopf: status, Events, Secrets."""
