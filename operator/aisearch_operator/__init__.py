"""Kubernetes operator for Cloudflare AI Search: instances and sync jobs from Git."""

__version__ = "0.1.0"
