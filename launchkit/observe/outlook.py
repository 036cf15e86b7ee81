"""Put together what watches an agent, as its settings want it."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec

from anyio.abc import TaskGroup

from launchkit.abc import QueueBackend
from launchkit.errors import ConfigError
from launchkit.observe.backend import WatchedBackend
from launchkit.observe.events import telling
from launchkit.observe.http import HttpServer, Page
from launchkit.observe.observer import Observer, Observers
from launchkit.observe.tracing import Spans, opened_tracing
from launchkit.observe.watchdog import Check, Watchdog
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The agent that is watched."""

    name: str
    settings: AgentSettings
    plugins: Plugins
    held: Callable[[], int]
    """How many launches are under way."""
    draining: Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What watches one agent."""

    observer: Observer
    watchdog: Watchdog
    address: str | None
    """Where metrics and health are served."""

    def watched(self, backend: QueueBackend) -> QueueBackend:
        """A started backend, such that all calls are seen."""
        return WatchedBackend(backend, self.observer, self.watchdog)


@asynccontextmanager
async def opened_outlook(subject: Subject, tasks: TaskGroup) -> AsyncIterator[Outlook]:
    """Watch an agent for the time of the context.

    :raises ConfigError: if a package is missing or the port cannot be had.
    """
    settings = subject.settings
    watchdog = Watchdog(settings.queues, settings.lease_seconds)
    observers: list[Observer] = []
    async with AsyncExitStack() as stack:
        events = await stack.enter_async_context(telling(subject.name, subject.plugins, tasks))
        if events is not None:
            observers.append(events)
        tracing = await stack.enter_async_context(opened_tracing(settings, "launchkit-agent"))
        if tracing is not None:
            observers.append(Spans(tracing.tracer, subject.name))
        address = None
        if settings.metrics_port is not None:
            address = await _serve(subject, settings.metrics_port, watchdog, observers, tasks)
        yield Outlook(observer=Observers(observers), watchdog=watchdog, address=address)


async def _serve(
    subject: Subject,
    port: int,
    watchdog: Watchdog,
    observers: list[Observer],
    tasks: TaskGroup,
) -> str:
    """Serve metrics and health; gives the address."""
    if not find_spec("prometheus_client"):
        raise ConfigError(
            "metrics_port: the package prometheus-client is not installed",
            hint="pip install 'launchkit[metrics]'",
        )
    from launchkit.observe.metrics import Load, Metrics

    settings = subject.settings
    metrics = Metrics(watchdog, Load(used=subject.held, limit=settings.max_jobs))
    observers.append(metrics)
    server = HttpServer(
        {
            "/metrics": metrics.page,
            "/livez": lambda: health(watchdog.alive()),
            "/readyz": lambda: health(watchdog.ready(draining=subject.draining())),
        }
    )
    port = await server.listen(settings.metrics_host, port, tasks)
    host = settings.metrics_host
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def health(checks: Mapping[str, Check]) -> Page:
    """A page that says whether all is well, and each check."""
    ok = all(check.ok for check in checks.values())
    data = {"ok": ok, "checks": {name: asdict(check) for name, check in checks.items()}}
    return Page(200 if ok else 503, "application/json", json.dumps(data).encode())
