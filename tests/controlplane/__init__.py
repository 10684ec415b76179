"""A real Kubernetes control plane for tests and the demo: etcd, kube-apiserver, kube-controller-manager."""

from controlplane.audit import AuditedRequest, reads, writes
from controlplane.errors import ControlPlaneError
from controlplane.plane import ControlPlane

__all__ = ["AuditedRequest", "ControlPlane", "ControlPlaneError", "reads", "writes"]
