"""Code directories: surveyed, packed, unpacked, removed, and where they come from."""
