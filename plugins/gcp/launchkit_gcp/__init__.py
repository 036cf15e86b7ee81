"""launchkit on Google Cloud."""
