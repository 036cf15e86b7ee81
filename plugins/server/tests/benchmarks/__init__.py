"""Benchmarks of the queue service."""

from collections.abc import Mapping

from benchmarks.report import Benchmark

from .load import http

BENCHMARKS: Mapping[str, Benchmark] = {"http": http}
