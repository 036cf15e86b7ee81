"""The Engine: its client, its messages, whether it answers."""
