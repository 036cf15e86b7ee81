"""Prometheus metrics of one agent, in a registry of its own."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from launchkit.model import Claim, ItemReport, ItemState
from launchkit.observe.http import Page
from launchkit.observe.observer import Observer, Step
from launchkit.observe.watchdog import HEARTBEAT, Watchdog

CODES = 50
"""Verdict codes that get a label of their own; plugins may invent more, which are `other`."""
STEP_SECONDS = (0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)
CLAIM_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)


@dataclass(frozen=True, kw_only=True)
class Load:
    """How many slots an agent has; below 0 is without limit."""

    used: Callable[[], int]
    limit: int


class Metrics(Observer):
    """Counts what an agent does."""

    def __init__(self, watchdog: Watchdog, load: Load) -> None:
        self._registry = registry = CollectorRegistry()
        self._codes: set[str] = set()
        self._claimed = Counter(
            "launchkit_jobs_claimed", "Claims of launches", ["queue"], registry=registry
        )
        self._finished = Counter(
            "launchkit_jobs_finished",
            "Launches that ended",
            ["queue", "state", "verdict"],
            registry=registry,
        )
        self._running = Gauge("launchkit_jobs_running", "Runs that are watched", registry=registry)
        self._steps = Histogram(
            "launchkit_step_seconds",
            "How long each step of a launch took",
            ["step"],
            buckets=STEP_SECONDS,
            registry=registry,
        )
        self._claims = Histogram(
            "launchkit_claim_seconds",
            "How long a claim that gave a launch took",
            buckets=CLAIM_SECONDS,
            registry=registry,
        )
        self._bytes = Counter(
            "launchkit_log_bytes", "Output of runs that was stored", registry=registry
        )
        self._errors = Counter(
            "launchkit_backend_errors", "Failed calls of the queue", ["call"], registry=registry
        )
        used = Gauge("launchkit_slots_used", "Launches under way", registry=registry)
        used.set_function(load.used)
        limit = Gauge("launchkit_slots_limit", "How many may be under way", registry=registry)
        limit.set(math.inf if load.limit < 0 else load.limit)
        age = Gauge(
            "launchkit_heartbeat_age_seconds", "Since the last heartbeat", registry=registry
        )
        age.set_function(lambda: watchdog.age(HEARTBEAT))

    def page(self) -> Page:
        """All metrics as Prometheus reads them."""
        return Page(200, CONTENT_TYPE_LATEST, generate_latest(self._registry))

    def claimed(self, claim: Claim, seconds: float) -> None:
        """Count it; its first attempt tells how long it waited in its queue."""
        self._claimed.labels(claim.item.queue).inc()
        self._claims.observe(seconds)
        if claim.item.attempt == 1 and claim.item.state is ItemState.CLAIMED:
            waited = max(0.0, time.time() - claim.item.created_at)
            self._steps.labels("queue_wait").observe(waited)

    @contextmanager
    def step(self, item_id: str, step: Step) -> Iterator[None]:
        """Measure a step, also one that fails."""
        began = time.monotonic()
        if step == "run":
            self._running.inc()
        try:
            yield
        finally:
            self._steps.labels(step).observe(time.monotonic() - began)
            if step == "run":
                self._running.dec()

    def stored(self, claim: Claim, report: ItemReport) -> None:
        """Count the ends."""
        if report.state.ended:
            code = self._bounded(report.verdict.code if report.verdict else "none")
            self._finished.labels(claim.item.queue, str(report.state), code).inc()

    def pumped(self, size: int) -> None:
        """Count the bytes."""
        self._bytes.inc(size)

    def failed(self, call: str) -> None:
        """Count the errors."""
        self._errors.labels(call).inc()

    def _bounded(self, code: str) -> str:
        if code not in self._codes and len(self._codes) >= CODES:
            return "other"
        self._codes.add(code)
        return code
