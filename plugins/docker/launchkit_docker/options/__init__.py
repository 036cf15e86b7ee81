"""Every option of `docker run`: read, checked, shown."""
