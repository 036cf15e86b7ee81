"""OpenTelemetry spans: launch, then claim, and under it fetch, build, submit and run."""

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import anyio

from launchkit.errors import ConfigError, LaunchkitError
from launchkit.model import ItemState, LaunchSpec
from launchkit.observe.observer import Observer, Step
from launchkit.settings import AgentSettings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from launchkit.model import Claim, ItemReport, Launch

FLUSH_SECONDS = 5.0


@contextmanager
def launching(tracer: "Tracer | None", queue: str, spec: LaunchSpec) -> Iterator[LaunchSpec]:
    """The span of a launch being made, and the spec that says so. It continues the trace of
    *spec*, if it has one, or that of the caller. Without a tracer, nothing happens.
    """
    if tracer is None:
        yield spec
        return
    with (
        tracer.start_as_current_span(
            "launch",
            context=context_of(spec.traceparent),
            attributes={"launchkit.queue": queue, "launchkit.project": spec.project},
            record_exception=False,
            set_status_on_exception=False,
        ) as span,
        failing(span),
    ):
        yield replace(spec, traceparent=traceparent_of(span))


class Spans(Observer):
    """Makes a span of each claim, and below it one of each step."""

    def __init__(self, tracer: "Tracer", agent: str) -> None:
        self._tracer = tracer
        self._agent = agent
        self._claims: dict[str, Span] = {}

    def claimed(self, claim: "Claim", seconds: float) -> None:
        """Begin the span; the launch is its parent, else it begins a trace."""
        item = claim.item
        attributes: dict[str, str | int] = {
            "launchkit.agent": self._agent,
            "launchkit.item": item.id,
            "launchkit.run_id": item.run_id,
            "launchkit.queue": item.queue,
            "launchkit.attempt": item.attempt,
        }
        self._claims[item.id] = self._tracer.start_span(
            "claim",
            context=context_of(item.spec.traceparent),
            attributes=attributes,
            start_time=int((time.time() - seconds) * 1e9),
        )

    def carried(self, launch: "Launch") -> "Launch":
        """The workload continues below the claim."""
        return replace(launch, traceparent=traceparent_of(self._claims[launch.item_id]))

    @contextmanager
    def step(self, item_id: str, step: Step) -> Iterator[None]:
        """Make a span of a step."""
        from opentelemetry.trace import set_span_in_context

        with (
            self._tracer.start_as_current_span(
                step,
                context=set_span_in_context(self._claims[item_id]),
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
            failing(span),
        ):
            yield

    def stored(self, claim: "Claim", report: "ItemReport") -> None:
        """Put the end on the claim's span."""
        span = self._claims.get(claim.item.id)
        if span is None or not report.state.ended:
            return
        code = report.verdict.code if report.verdict else ""
        span.set_attributes({"launchkit.state": str(report.state), "launchkit.verdict": code})
        if report.state is ItemState.FAILED:
            mark_failed(span, code)

    def left(self, claim: "Claim") -> None:
        """End the claim's span."""
        span = self._claims.pop(claim.item.id, None)
        if span is not None:
            span.end()


@asynccontextmanager
async def opened_tracer(settings: AgentSettings, service: str) -> "AsyncIterator[Tracer | None]":
    """A tracer for the time of the context, if the settings or OTEL_EXPORTER_OTLP_ENDPOINT want
    it; what is collected then is sent at the latest at the end.

    :raises ConfigError: if the settings want it and its packages are missing.
    """
    if not _wanted(settings.telemetry):
        yield None
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME") or service
    resource = Resource.create({SERVICE_NAME: name})
    # A provider of our own: a program that uses launchkit keeps its global one.
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield provider.get_tracer("launchkit")
    finally:
        with anyio.move_on_after(FLUSH_SECONDS, shield=True):
            await anyio.to_thread.run_sync(provider.shutdown, abandon_on_cancel=True)


def context_of(traceparent: str | None) -> "Context | None":
    """The context that a traceparent stands for; None is the current one."""
    if traceparent is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


def traceparent_of(span: "Span") -> str:
    """What names a span to other programs (W3C Trace Context)."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@contextmanager
def failing(span: "Span") -> Iterator[None]:
    """Mark the span when an error of ours leaves the context: by code, as messages may be long."""
    try:
        yield
    except LaunchkitError as exc:
        mark_failed(span, exc.code)
        raise


def mark_failed(span: "Span", code: str) -> None:
    """Give a span the status of an error."""
    from opentelemetry.trace import StatusCode

    span.set_status(StatusCode.ERROR, code)


def _wanted(setting: bool | None) -> bool:
    asked = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    if setting is False or (setting is None and not asked):
        return False
    installed = _installed()
    if setting and not installed:
        raise ConfigError(
            "telemetry: the packages for OpenTelemetry are not installed",
            hint="pip install 'launchkit[otel]'",
        )
    return installed


def _installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # no package above it either
        return False
