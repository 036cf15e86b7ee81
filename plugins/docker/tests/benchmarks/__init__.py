"""Benchmarks of containers and of their images."""

from collections.abc import Mapping

from benchmarks.report import Benchmark

from .builds import at_once, rebuild
from .containers import containers, memory, output

BENCHMARKS: Mapping[str, Benchmark] = {
    "containers": containers,
    "containers-memory": memory,
    "container-output": output,
    "rebuild": rebuild,
    "builds-at-once": at_once,
}
