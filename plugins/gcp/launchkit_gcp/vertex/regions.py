"""The regions of Vertex AI in which an agent has runs."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from launchkit.abc import Site
from launchkit.aio.background import attend
from launchkit.aio.trouble import Trouble
from launchkit.errors import Elsewhere
from launchkit.runners.markers import Markers
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.errors import GcpRefused
from launchkit_gcp.vertex import jobs
from launchkit_gcp.vertex.api import VertexApi, log, open_api
from launchkit_gcp.vertex.board import Board
from launchkit_gcp.vertex.log_reader import LogReader
from launchkit_gcp.vertex.run import RunPlace
from launchkit_gcp.vertex.runner import VertexRunner


@dataclass(kw_only=True)
class _Look:
    """Calls to a region of which it is not known whether it has any run."""

    api: VertexApi
    stack: AsyncExitStack
    lookers: int = field(default=0)


class Regions:
    """Opened with the first run of each."""

    def __init__(
        self,
        stack: AsyncExitStack,
        site: Site,
        runner: VertexRunner,
        environment: GcpEnvironment,
        reader: LogReader,
        markers: Markers,
    ) -> None:
        self._stack = stack
        self._site = site
        self._runner = runner
        self._environment = environment
        self._reader = reader
        self._markers = markers
        self._log_trouble = Trouble(log, f"Cloud Logging of {environment.project}")
        self._places: dict[str, RunPlace] = {}
        self._looks: dict[str, _Look] = {}

    def place(self, region: str) -> RunPlace:
        """What the runs of a region work with, until the agent ends."""
        if region not in self._places:
            api = self._open(self._stack, region)
            board = Board(api, self._runner.poll_seconds, partial(jobs.settle, api))
            name = f"Vertex AI in {region}"
            attend(self._stack, self._site.tasks, board.run, name=name)
            self._site.watches[name] = board.age
            self._stack.callback(self._site.watches.pop, name, None)
            self._places[region] = RunPlace(
                api=api,
                board=board,
                reader=self._reader,
                markers=self._markers,
                log_trouble=self._log_trouble,
                log_seconds=self._runner.log_seconds,
            )
        return self._places[region]

    @asynccontextmanager
    async def looked_at(self, region: str) -> AsyncIterator[VertexApi]:
        """Calls to a region that is on record as that of a run. Where nothing of this agent runs,
        they are kept for the time of the context: the record may be wrong.

        :raises Elsewhere: if Vertex AI answers there with a refusal.
        """
        if region in self._places or region == self._environment.region:
            yield self.place(region).api
            return
        look = self._looks.get(region) or self._begun(region)
        look.lookers += 1
        try:
            yield look.api
        except GcpRefused as exc:
            raise Elsewhere(exc.message, hint=exc.hint) from exc
        finally:
            look.lookers -= 1
            if not look.lookers:
                del self._looks[region]
                await look.stack.aclose()

    def _begun(self, region: str) -> _Look:
        stack = AsyncExitStack()
        self._looks[region] = look = _Look(api=self._open(stack, region), stack=stack)
        return look

    def _open(self, stack: AsyncExitStack, region: str) -> VertexApi:
        return open_api(stack, self._environment, region, rate=self._runner.api_rate)
