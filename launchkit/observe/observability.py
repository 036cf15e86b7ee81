"""Put together what watches an agent, as its settings want it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from anyio.abc import TaskGroup

from launchkit.abc import QueueBackend
from launchkit.errors import ConfigError
from launchkit.observe.backend import WatchedBackend
from launchkit.observe.events import telling
from launchkit.observe.observer import Observer, Observers
from launchkit.observe.tracing import Spans, opened_tracer
from launchkit.observe.watchdog import Watchdog
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings


@dataclass(frozen=True, kw_only=True)
class ObservedAgent:
    """The agent that is watched."""

    name: str
    settings: AgentSettings
    plugins: Plugins
    held: Callable[[], int]
    """How many launches are under way."""
    draining: Callable[[], bool]
    watchdog: Watchdog


@dataclass(frozen=True, kw_only=True)
class Observability:
    """What watches one agent."""

    observer: Observer
    watchdog: Watchdog
    address: str | None
    """Where metrics and health are served."""

    def watched(self, backend: QueueBackend) -> QueueBackend:
        """A started backend, such that all calls are seen."""
        return WatchedBackend(backend, self.observer, self.watchdog)


@asynccontextmanager
async def open_observability(
    agent: ObservedAgent, tasks: TaskGroup
) -> AsyncIterator[Observability]:
    """Watch an agent for the time of the context.

    :raises ConfigError: if a package is missing or the port cannot be had.
    """
    settings = agent.settings
    observers: list[Observer] = []
    async with AsyncExitStack() as stack:
        events = await stack.enter_async_context(telling(agent.name, agent.plugins, tasks))
        if events is not None:
            observers.append(events)
        tracer = await stack.enter_async_context(opened_tracer(settings, "launchkit-agent"))
        if tracer is not None:
            observers.append(Spans(tracer, agent.name))
        address = None
        if settings.metrics_port is not None:
            metrics, address = await _served(agent, settings.metrics_port, tasks)
            observers.append(metrics)
        yield Observability(observer=Observers(observers), watchdog=agent.watchdog, address=address)


async def _served(agent: ObservedAgent, port: int, tasks: TaskGroup) -> tuple[Observer, str]:
    """Serve metrics and health; gives what counts, and the address."""
    if not find_spec("prometheus_client"):
        raise ConfigError(
            "metrics_port: the package prometheus-client is not installed",
            hint="pip install 'launchkit[metrics]'",
        )
    from launchkit.observe.http import HttpServer, health
    from launchkit.observe.metrics import Load, Metrics

    settings, watchdog = agent.settings, agent.watchdog
    host = settings.metrics_host
    metrics = Metrics(watchdog, Load(used=agent.held, limit=settings.max_jobs))
    server = HttpServer(
        {
            "/metrics": metrics.page,
            "/livez": lambda: health(watchdog.alive()),
            "/readyz": lambda: health(watchdog.ready(draining=agent.draining())),
        }
    )
    port = await server.listen(host, port, tasks)
    return metrics, f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
