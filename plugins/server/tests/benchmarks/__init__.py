"""Benchmarks of the queue service."""

from collections.abc import Mapping

from benchmarks.report import Benchmark

from .load import http
from .screens import long, screens

BENCHMARKS: Mapping[str, Benchmark] = {"http": http, "screens": screens, "log": long}
