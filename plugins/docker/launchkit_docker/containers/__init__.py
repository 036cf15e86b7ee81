"""Containers as runs: created, found again, watched, ended."""
