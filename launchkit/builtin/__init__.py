"""Built-in plugins, registered by the same door as any other."""
