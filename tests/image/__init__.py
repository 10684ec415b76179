"""The operator's image without a container engine: built by deploy/image/build.sh, run in namespaces of the kernel."""
