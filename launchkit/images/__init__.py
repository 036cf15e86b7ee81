"""For authors of builders and registries: what all of them do, so that each does it once."""
