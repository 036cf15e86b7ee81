"""The way to a cluster: access, requests and their errors, discovery, watches and checks."""
