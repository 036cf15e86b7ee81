"""Benchmarks: measured, saved and compared, never asserted on."""
