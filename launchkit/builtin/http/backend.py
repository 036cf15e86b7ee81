"""The agent's side of a queue service."""

import math
import os
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from launchkit.abc import QueueBackend, Site
from launchkit.builtin.http.news import News
from launchkit.builtin.http.service import Call, Service, connect, require_address
from launchkit.builtin.http.tokens import token_place
from launchkit.model import (
    AgentCapacity,
    AgentOrders,
    AgentStatus,
    Claim,
    EnvValues,
    ItemReport,
    Secret,
)
from launchkit.wire.agent_side import (
    BeatRequest,
    BlockedAnswer,
    BlockedRequest,
    ClaimAnswer,
    ClaimRequest,
    Hold,
    LeaveRequest,
    LockAnswer,
    LockRequest,
    LockWait,
    LogSize,
    OverAnswer,
    OverRequest,
    RegisterAnswer,
    RegisterRequest,
    ReportRequest,
    RunToken,
    RunTokenRequest,
)
from launchkit.wire.protocol import MAX_WAIT_SECONDS


@dataclass(kw_only=True)
class HttpBackend(QueueBackend):
    """The agent's side of a queue service. The service decides how long a lease lasts."""

    kind = "http"
    aliases: ClassVar[tuple[str, ...]] = ("https",)

    url: str
    entity: str
    lease: float = 30.0
    """What the agent beats by; the service's own leases count."""
    token: Secret | None = None
    """The agent's token; better kept in a file."""
    token_file: str | None = None
    """A file with the agent's token."""
    _service: Service = field(init=False, repr=False)
    _news: News = field(init=False, repr=False)
    _heard: AgentOrders = field(init=False, repr=False, default_factory=AgentOrders)
    _agent: str | None = field(init=False, repr=False, default=None)
    _session: str | None = field(init=False, repr=False, default=None)
    _leased: float | None = field(init=False, repr=False, default=None)
    """How long the service's leases last, once it has said so."""
    _skew: float | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        """:raises ValueError: if the URL is none of a service."""
        require_address(self.url)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Open connections for the agent's life."""
        self._service = await connect(stack, self.url, self.entity, self.token, self.token_file)
        self._news = News(self._service)

    def secret_files(self) -> Mapping[Path, str]:
        """That of its token."""
        path = token_place(self.token_file, os.environ)
        return {path: "a token"} if path else {}

    @property
    def news_seconds(self) -> float:
        """For ever: the service looks itself for what happens without a word."""
        return math.inf

    def skew(self) -> float | None:
        """As it was when the agent registered."""
        return self._skew

    def beat_seconds(self, lease: float) -> float:
        """By the service's leases."""
        return super().beat_seconds(self._leased or lease)

    async def register(self, status: AgentStatus) -> None:
        """Begin a session, in the place of an agent of the same name."""
        session = uuid4().hex
        request = RegisterRequest(status=status, session=session)
        call = Call(method="POST", parts=("agent", "register"), body=request, again=True)
        asked_at = time.time()
        answer = await self._service.ask(RegisterAnswer, call)
        self._leased = answer.lease
        if answer.now is not None:
            self._skew = answer.now - (asked_at + time.time()) / 2
        self._agent, self._session = status.name, session
        self._news.session = session

    async def claim(self, queue: str, capacity: AgentCapacity) -> Claim | None:
        """Take the next item; one whose answer was lost is asked for again by the same id."""
        self._news.claims(queue, capacity)
        request = ClaimRequest(
            queue=queue, capacity=capacity, claim_id=uuid4().hex, session=self._session
        )
        call = Call(method="POST", parts=("agent", "claims"), body=request, again=True)
        return (await self._service.ask(ClaimAnswer, call)).claim

    async def news(self, queue: str, wait: float) -> None:
        """Wait until a claim may give something; one request serves all queues that wait."""
        await self._news.wait(queue, wait)

    async def blocked(self, queue: str, capacity: AgentCapacity) -> str | None:
        """Why the queue would give nothing."""
        request = BlockedRequest(queue=queue, capacity=capacity)
        call = Call(method="POST", parts=("agent", "blocked"), body=request, again=True)
        answer = await self._service.ask(BlockedAnswer, call)
        self._news.told(queue, paused=answer.paused)
        return answer.reason

    async def report(self, claim: Claim, report: ItemReport) -> None:
        """Store a new fact about a claimed item."""
        request = ReportRequest(token=claim.token, report=report)
        parts = ("agent", "items", claim.item.id, "reports")
        await self._service.tell(Call(method="POST", parts=parts, body=request))

    async def beat(self, status: AgentStatus, held: Collection[Claim], wait: float) -> AgentOrders:
        """Renew the leases, and wait for orders that were not given yet."""
        request = BeatRequest(
            status=status,
            held=tuple(Hold(item_id=claim.item.id, token=claim.token) for claim in held),
            heard=self._heard,
            wait=wait,
            session=self._session,
        )
        call = Call(method="POST", parts=("agent", "beats"), body=request, wait=wait)
        self._heard = await self._service.ask(AgentOrders, call)
        return self._heard

    async def append_log(self, claim: Claim, offset: int, data: bytes) -> None:
        """Add output of the claim's attempt; what is there already is skipped."""
        params = {"token": claim.token, "offset": offset}
        parts = ("agent", "items", claim.item.id, "log")
        call = Call(method="PUT", parts=parts, body=data, params=params, again=True)
        await self._service.tell(call)

    async def log_size(self, claim: Claim) -> int:
        """How much output of the claim's attempt is stored."""
        parts = ("agent", "items", claim.item.id, "log")
        call = Call(method="GET", parts=parts, params={"token": claim.token}, again=True)
        return (await self._service.ask(LogSize, call)).size

    async def archive(self, digest: str) -> AsyncIterator[bytes]:
        """Packed code, piece by piece."""
        async for piece in self._service.stream(Call(method="GET", parts=("archives", digest))):
            yield piece

    async def acquire_lock(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lock."""
        request = LockRequest(name=name, holder=holder, seconds=seconds, session=self._session)
        call = Call(method="POST", parts=("agent", "locks"), body=request, again=True)
        return (await self._service.ask(LockAnswer, call)).held

    async def lock_news(self, name: str, wait: float) -> None:
        """Wait until a lock may be had."""
        request = LockWait(name=name, wait=min(wait, MAX_WAIT_SECONDS))
        parts = ("agent", "locks", "waits")
        await self._service.tell(
            Call(method="POST", parts=parts, body=request, wait=request.wait, again=True)
        )

    async def release_lock(self, name: str, holder: str) -> None:
        """Give a lock back."""
        request = LockRequest(name=name, holder=holder)
        parts = ("agent", "locks", "release")
        await self._service.tell(Call(method="POST", parts=parts, body=request, again=True))

    def credentials(self) -> Collection[Secret]:
        """Its token."""
        token = self._service.token
        return (token,) if token else ()

    async def run_env(self, claim: Claim) -> EnvValues:
        """The service's URL, and a token that counts until the claim's attempt has ended."""
        parts = ("agent", "items", claim.item.id, "run-token")
        request = RunTokenRequest(token=claim.token)
        call = Call(method="POST", parts=parts, body=request, again=True)
        made = await self._service.ask(RunToken, call)
        return {
            "LAUNCHKIT_BACKEND": self._service.url,
            "LAUNCHKIT_RUN_TOKEN": Secret(made.secret),
        }

    async def over(self, attempts: Mapping[str, int]) -> Collection[str]:
        """Those attempts that are over."""
        request = OverRequest(attempts=attempts)
        call = Call(method="POST", parts=("agent", "over"), body=request, again=True)
        return (await self._service.ask(OverAnswer, call)).items

    async def leave(self, agent: str, *, dead: bool) -> None:
        """Forget an agent; the leases of one that is *dead* lapse now."""
        session = self._session if agent == self._agent else None
        request = LeaveRequest(agent=agent, dead=dead, session=session)
        await self._service.tell(Call(method="POST", parts=("agent", "leave"), body=request))
