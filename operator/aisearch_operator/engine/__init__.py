"""What drives the reconcilers: the work queue, its backoff, and the store of known resources."""
