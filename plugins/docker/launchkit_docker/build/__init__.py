"""Builds by the Engine."""
