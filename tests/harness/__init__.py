"""What cluster tests, the demo and the soak share: the operator as a process, and quick access to the API server."""
