"""The Engine: its client, its streams, what it says."""
