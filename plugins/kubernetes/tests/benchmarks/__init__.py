"""Benchmarks of Jobs on a real control plane."""

from collections.abc import Mapping

from benchmarks.report import Benchmark

from .jobs import jobs

BENCHMARKS: Mapping[str, Benchmark] = {"jobs": jobs}
