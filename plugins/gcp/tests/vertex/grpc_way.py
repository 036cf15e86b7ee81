"""A gateway before a server of gRPC: it numbers requests, and does one thing with some, as the one
before servers of HTTP does.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import grpc
import grpc.aio
from anyio.abc import TaskGroup
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from launchkit.testing import Gateway, Intervention, gateway
from launchkit.testing.counterparts import Counterpart, Life, Lived, Moment
from launchkit.testing.counterparts.counterpart import distinct, living
from launchkit.testing.counterparts.gateway import RETRY_AFTER_SECONDS
from launchkit.testing.counterparts.server import _ambush, _moments

from .making import endpoints

READS = ("Get", "List")
OPTIONS = (("grpc.max_receive_message_length", 64 << 20),)


@dataclass(eq=False)
class GrpcWay(grpc.GenericRpcHandler):
    """Forwards calls as they are. What happens is told to *way*, and comes from there."""

    server: str
    way: Gateway
    tasks: TaskGroup
    channel: grpc.aio.Channel = field(init=False)
    _silences: dict[str, float] = field(default_factory=dict)

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """How a call is answered."""
        method = details.method

        async def handle(request: bytes, context: Any) -> bytes:
            return await self._handle(method, request, context)

        return grpc.unary_unary_rpc_method_handler(handle)

    async def _handle(self, method: str, request: bytes, context: Any) -> bytes:
        operation = method.rpartition("/")[2]
        kind = f"{'GET' if operation.startswith(READS) else 'POST'} {operation}"
        self.way.kinds.append(kind)
        if self._silences.get(operation, 0.0) > anyio.current_time():
            self.way.hasty.append(kind)
        what = self.way._next(kind)
        try:
            await what.before()
            if what.throttled:
                await self._throttle(operation, context)
            if what.twice:
                await self._forwarded(method, request, context)
            answer = await self._forwarded(method, request, context)
            await what.during()
        except ConnectionError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        except grpc.aio.AioRpcError as exc:
            metadata = tuple(exc.trailing_metadata() or ())
            await context.abort(exc.code(), exc.details() or "", metadata)
        context.add_done_callback(lambda _: self.tasks.start_soon(self._after, what))
        return answer

    async def _after(self, what: Intervention) -> None:
        with suppress(ConnectionError):
            await what.after()

    async def _throttle(self, operation: str, context: Any) -> None:
        self._silences[operation] = anyio.current_time() + RETRY_AFTER_SECONDS
        told = status_pb2.Status(
            code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], message="too many requests"
        )
        wish = error_details_pb2.RetryInfo()
        wish.retry_delay.FromSeconds(RETRY_AFTER_SECONDS)
        told.details.add().Pack(wish)
        status = rpc_status.to_status(told)
        await context.abort(status.code, status.details, status.trailing_metadata)

    async def _forwarded(self, method: str, request: bytes, context: Any) -> bytes:
        call = self.channel.unary_unary(method)
        kept = {"authorization", "x-goog-request-params"}
        metadata = [one for one in context.invocation_metadata() or () if one[0] in kept]
        return await call(request, metadata=metadata, timeout=30)


@dataclass(frozen=True)
class Ways:
    """Both gateways before a project: what is done and seen is in one."""

    http: Gateway
    grpc_host: str

    @property
    def endpoints(self) -> dict[str, str]:
        """Where its services answer."""
        return endpoints(f"http://{self.grpc_host}", f"http://{self.http.host}")


@asynccontextmanager
async def ways(grpc_host: str, http_host: str) -> AsyncIterator[Ways]:
    """Gateways to a project, for the time of a context."""
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(gateway(http_host))
        tasks = await stack.enter_async_context(anyio.create_task_group())
        handler = GrpcWay(grpc_host, way, tasks)
        handler.channel = grpc.aio.insecure_channel(grpc_host, options=OPTIONS)
        stack.push_async_callback(handler.channel.close)
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers((handler,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        stack.push_async_callback(server.stop, 0)
        yield Ways(way, f"127.0.0.1:{port}")


@dataclass(frozen=True)
class Project(Counterpart):
    """Each life asks the project through gateways of its own."""

    grpc_host: str
    http_host: str

    async def live(self, life: Life, moment: Moment | None = None) -> Lived:
        """See there."""
        async with ways(self.grpc_host, self.http_host) as both, living({}) as one:
            way = both.http
            if moment and moment not in life.steps:
                way.interventions.append(_ambush(one, moment))
            component = replace(life.component, endpoint_urls=both.endpoints)  # type: ignore[type-var]
            order = replace(life, component=component).order(fatal=moment.kind if moment else None)
            killed = await one.hear(order)
            moments: Sequence[Moment] = _moments(distinct(way.kinds))
            return Lived([*life.steps, *moments], one.told, killed)
