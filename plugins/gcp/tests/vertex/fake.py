"""Vertex AI's JobService over gRPC, made of the library's own types, with what stands beside it.
Jobs are real processes of this machine.
"""

import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import anyio
import grpc
from anyio.abc import TaskGroup
from anyio.from_thread import BlockingPortal, start_blocking_portal
from google.cloud.aiplatform_v1 import types
from google.protobuf import empty_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from launchkit.testing import Program

from .beside import PROJECT, REGION, Beside
from .rules import Refused, holds, invalid, job_faults, terms_of

SERVICE = "google.cloud.aiplatform.v1.JobService"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
PARENTS = (PARENT, f"projects/{PROJECT}/locations/us-east1")
S = types.JobState
ENDED = frozenset({
    S.JOB_STATE_SUCCEEDED, S.JOB_STATE_FAILED, S.JOB_STATE_CANCELLED, S.JOB_STATE_EXPIRED,
    S.JOB_STATE_PARTIALLY_SUCCEEDED,
})  # fmt: skip


@dataclass(eq=False)
class Job:
    """A custom job."""

    view: types.CustomJob
    stopping: anyio.Event = field(default_factory=anyio.Event)
    pid: int | None = None
    labels: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.labels = dict(self.view.labels)

    @property
    def number(self) -> str:
        """The last part of its name."""
        return str(self.view.name.rpartition("/")[2])

    @property
    def state(self) -> types.JobState:
        """Its state."""
        return self.view.state

    @property
    def env(self) -> Mapping[str, str]:
        """The variables of its first pool."""
        pool = self.view.job_spec.worker_pool_specs[0]
        return {one.name: one.value for one in pool.container_spec.env}

    def began(self, pid: int) -> None:
        """Its program runs."""
        self.pid = pid

    def become(self, state: types.JobState, error: str = "", code: int = 3) -> None:
        """Change, as it does by itself or because a test wants it."""
        now = datetime.now(UTC)
        self.view.state, self.view.update_time = state, now
        if error:
            self.view.error = status_pb2.Status(code=code, message=error)
        if state == S.JOB_STATE_RUNNING and not self.view.start_time:
            self.view.start_time = now
        if state in ENDED:
            self.view.end_time = now


class FakeVertex(Beside):
    """A project in one region. Its attributes may be set by tests at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, Job] = {}
        self.starts: Counter[str] = Counter()
        """How often a program was started, by run id."""
        self.throttled = 0.0
        """The part of requests that is refused as too many."""
        self.lost: list[str] = []
        """Operations whose next answer is lost."""
        self.room: dict[str, int] = {}
        """How many jobs of a type of machine may run."""
        self.latency = 0.0
        self.hidden_seconds = 0.0
        """So long after it was made a job is in no listing."""
        self.step_seconds = 0.05
        self.stop_seconds = 2.0
        """How long a program may take to end."""
        self.list_page = 100
        self._random = random.Random(7)
        self._number = 1000
        self._begun: list[tuple[Any, ...]] = []
        """What the loop is to do."""
        self._tasks: TaskGroup
        self._portal: BlockingPortal
        self.grpc_host = ""

    @property
    def grpc_url(self) -> str:
        """Where JobService answers."""
        return f"http://{self.grpc_host}"

    def count(self, operation: str) -> int:
        """How often it was asked."""
        return sum(one == operation for one, _ in self.calls)

    def of_run(self, run_id: str) -> Sequence[Job]:
        """The jobs of a run."""
        with self.lock:
            jobs = [*self.jobs.values()]
        return [one for one in jobs if one.labels["launchkit-run-id"] == run_id]

    # JobService

    def called(self, operation: str, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer a request."""
        if self.latency:
            time.sleep(self.latency)
        with self.lock:
            self.calls.append((operation, request))
            try:
                self._check(operation, dict(context.invocation_metadata()))
                answer = getattr(self, f"_{operation}")(request)
            except Refused as exc:
                _abort(context, exc)
            begun, self._begun = self._begun, []
        for work in begun:  # without the lock, for which the loop may wait
            self._portal.start_task_soon(*work)
        if operation in self.lost:
            self.lost.remove(operation)
            context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
        return answer

    def _check(self, operation: str, metadata: Mapping[str, Any]) -> None:
        token = str(metadata.get("authorization", "")).removeprefix("Bearer ")
        if token not in self.tokens:
            said = "Request had invalid authentication credentials."
            raise Refused(grpc.StatusCode.UNAUTHENTICATED, said)
        if operation in self.away:
            raise Refused(grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.")
        if self._random.random() < self.throttled:
            said = f"Quota exceeded for quota metric 'Job requests' of service {SERVICE}"
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, said)
        if operation in self.denied:
            said = f"Permission 'aiplatform.customJobs.{operation}' denied on resource"
            raise Refused(grpc.StatusCode.PERMISSION_DENIED, said)

    def _CreateCustomJob(self, asked: types.CreateCustomJobRequest) -> types.CustomJob:
        job = types.CustomJob(asked.custom_job)
        if asked.parent not in PARENTS:
            raise invalid(f"no such place: {asked.parent}")
        if faults := [*job_faults(job)]:
            raise invalid("; ".join(faults))
        self._look_for_room(job)
        self._number += 1
        job.name = f"{asked.parent}/customJobs/{self._number * 10**15}"
        job.create_time = job.update_time = datetime.now(UTC)
        job.state = S.JOB_STATE_QUEUED
        made = self.jobs[job.name] = Job(job)
        if job.job_spec.worker_pool_specs[0].container_spec.command:
            self._begun.append((self._begin, made))
        return types.CustomJob(job)

    def _look_for_room(self, job: types.CustomJob) -> None:
        kind = job.job_spec.worker_pool_specs[0].machine_spec.machine_type
        live = [one for one in self.jobs.values() if one.state not in ENDED]
        pools = [one.view.job_spec.worker_pool_specs[0] for one in live]
        used = sum(pool.machine_spec.machine_type == kind for pool in pools)
        if used >= self.room.get(kind, used + 1):
            metric = "aiplatform.googleapis.com/custom_model_training_cpus"
            said = f"The following quota metrics exceed quota limits: {metric}"
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, said)

    def _GetCustomJob(self, asked: types.GetCustomJobRequest) -> types.CustomJob:
        return types.CustomJob(self._found(asked.name).view)

    def _CancelCustomJob(self, asked: types.CancelCustomJobRequest) -> empty_pb2.Empty:
        job = self._found(asked.name)
        if job.state in ENDED:
            said = f"The custom job is in state {job.state.name} and cannot be cancelled"
            raise Refused(grpc.StatusCode.FAILED_PRECONDITION, said)
        job.become(S.JOB_STATE_CANCELLING)
        self._begun.append((_set, job.stopping))
        return empty_pb2.Empty()

    def _ListCustomJobs(self, asked: types.ListCustomJobsRequest) -> types.ListCustomJobsResponse:
        terms = terms_of(asked.filter)
        shown = datetime.fromtimestamp(time.time() - self.hidden_seconds, UTC)
        there = [one for name, one in self.jobs.items() if name.startswith(asked.parent)]
        found = [one for one in there if all(holds(term, one) for term in terms)]
        jobs = [types.CustomJob(one.view) for one in found]
        jobs = [one for one in jobs if not self.hidden_seconds or one.create_time < shown]
        jobs.sort(key=lambda one: one.create_time, reverse=True)
        begin = int(asked.page_token or "0")
        size = min(self.list_page, asked.page_size or 20)
        more = str(begin + size) if begin + size < len(jobs) else ""
        page = jobs[begin : begin + size]
        return types.ListCustomJobsResponse(custom_jobs=page, next_page_token=more)

    def _found(self, name: str) -> Job:
        if name not in self.jobs:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"The CustomJob does not exist: {name}")
        return self.jobs[name]

    # Jobs

    def print(
        self, job: Job, text: str, *, machine: str = "workerpool0-0", at: float | None = None
    ) -> None:
        """A job has printed a line."""
        self.enter(job.number, text, machine=machine, at=at)

    async def _begin(self, job: Job) -> None:
        self._tasks.start_soon(self._live, job)

    async def _live(self, job: Job) -> None:
        """From its start to its end, with a process of its own."""
        self.print(job, "Waiting for job to be provisioned.", machine="service")
        for state in (S.JOB_STATE_PENDING, S.JOB_STATE_RUNNING):
            with anyio.move_on_after(self.step_seconds):
                await job.stopping.wait()
            if job.stopping.is_set():
                job.become(S.JOB_STATE_CANCELLED)
                return
            job.become(state)
        code = await self._run(job)
        if job.stopping.is_set():
            job.become(S.JOB_STATE_CANCELLED)
        elif code == 0:
            job.become(S.JOB_STATE_SUCCEEDED)
        else:
            shown = code if code >= 0 else 128 - code
            said = f"The replica workerpool0-0 exited with a non-zero status of {shown}."
            job.become(S.JOB_STATE_FAILED, f"{said} To find out more, look at the log.")

    async def _run(self, job: Job) -> int:
        container = job.view.job_spec.worker_pool_specs[0].container_spec
        command = [*container.command, *container.args]
        env = {"PATH": os.environ["PATH"], **job.env}
        self.starts[job.labels["launchkit-run-id"]] += 1
        program = Program(command, env, job.stopping, self.stop_seconds)
        return await program.run(job.began, partial(self.print, job))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Let jobs live for the time of the context."""
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    @contextmanager
    def serving(self, portal: BlockingPortal) -> Iterator[None]:
        """Answer for the time of the context."""
        self._portal = portal
        with self._grpc(), self.http():
            yield

    @contextmanager
    def _grpc(self) -> Iterator[None]:
        server = grpc.server(ThreadPoolExecutor(16))
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                lambda request, context, name=name: self.called(name, request, context),
                request.deserialize,
                serializer,
            )
            for name, (request, serializer) in OPERATIONS.items()
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        self.grpc_host = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        try:
            yield
        finally:
            server.stop(0).wait()


OPERATIONS: Mapping[str, tuple[Any, Any]] = {
    "CreateCustomJob": (types.CreateCustomJobRequest, types.CustomJob.serialize),
    "GetCustomJob": (types.GetCustomJobRequest, types.CustomJob.serialize),
    "CancelCustomJob": (types.CancelCustomJobRequest, empty_pb2.Empty.SerializeToString),
    "ListCustomJobs": (types.ListCustomJobsRequest, types.ListCustomJobsResponse.serialize),
}


def _abort(context: grpc.ServicerContext, exc: Refused) -> None:
    if not exc.retry_after:
        context.abort(exc.code, exc.message)
    told = status_pb2.Status(code=exc.code.value[0], message=exc.message)
    wish = error_details_pb2.RetryInfo()
    wish.retry_delay.FromMilliseconds(int(exc.retry_after * 1000))
    told.details.add().Pack(wish)
    context.abort_with_status(rpc_status.to_status(told))


async def _set(event: anyio.Event) -> None:
    event.set()


@contextmanager
def fake_vertex() -> Iterator[FakeVertex]:
    """A project that answers from threads of its own."""
    fake = FakeVertex()
    with (
        start_blocking_portal(name="AnyIO worker thread of Vertex AI") as portal,
        portal.wrap_async_context_manager(fake.working()),
        fake.serving(portal),
    ):
        yield fake
