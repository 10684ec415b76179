"""The benchmark: the same work at several sizes, done by this operator and by one written as kopf's tutorial does."""
