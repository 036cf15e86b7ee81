"""The runs of one agent in a cluster: submitted, watched, read, ended and found again."""
