"""What objects of a cluster mean: plain values in, statuses and verdicts out."""
