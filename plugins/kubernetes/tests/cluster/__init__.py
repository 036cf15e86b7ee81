"""A Kubernetes cluster of the tests' own; `cluster.py` tells how tests use it."""
