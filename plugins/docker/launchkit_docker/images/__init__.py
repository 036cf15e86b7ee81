"""Images in the Engine's own store: looked up, pulled, pushed."""
