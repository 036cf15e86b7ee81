"""The bench of the agent's tests, a plugin that listens, and a collector of spans."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from agent.conftest import Bench
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from served import answered_by
from waiting import PATIENCE

import launchkit
from launchkit.hookspecs import hookimpl
from launchkit.model import Event


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    url = f"sqlite:///{tmp_path}/launchkit.db"
    async with launchkit.connect(url) as client:
        await client.create_queue("q", "local-process")
        yield Bench(client, url, tmp_path)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What gives up after some seconds waits on a machine that is busy, as the tests do."""
    for name in ("events.FINISH_SECONDS", "tracing.FLUSH_SECONDS", "http.REQUEST_SECONDS"):
        monkeypatch.setattr(f"launchkit.observe.{name}", PATIENCE)


@dataclass
class Ear:
    """A plugin module that hears events, and may fail at it."""

    heard: list[Event] = field(default_factory=list)
    fails: bool = False

    def module(self, name: str = "ear") -> ModuleType:
        @hookimpl
        def launchkit_event(event: Event) -> None:
            self.heard.append(event)
            if self.fails:
                raise ZeroDivisionError("a bug in the plugin")

        module = ModuleType(name)
        module.launchkit_event = launchkit_event  # type: ignore[attr-defined]
        return module


@dataclass
class Collector:
    """An OTLP/HTTP collector on a real socket."""

    spans: list[Any] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    url: str = ""

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {a.key: a.value.string_value for a in resource.resource.attributes}
            self.services.add(names["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, name: str) -> Any:
        (span,) = [span for span in self.spans if span.name == name]
        return span


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            found.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with answered_by(Handler) as host:
        found.url = f"http://{host}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", f"{PATIENCE:.0f}")
        yield found
