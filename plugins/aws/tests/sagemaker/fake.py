"""SageMaker's training jobs and their logs, over HTTP: each request and each answer is held against
botocore's own model, and jobs are real processes of this machine.
"""

import json
import os
import random
import re
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import anyio
from aiohttp import web
from anyio.abc import TaskGroup
from anyio.from_thread import start_blocking_portal
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from launchkit.testing import Program

from ..models import faults, model_of

ACCOUNT, REGION = "123456789012", "us-east-1"
GROUP = "/aws/sagemaker/TrainingJobs"
CONTENT = "application/x-amz-json-1.1"
ENDED = frozenset({"Completed", "Failed", "Stopped"})
LONGEST_EVENT = 262_118
FOREIGN_LIMIT = 16 << 20
IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/ann</Arn><UserId>AID</UserId>
<Account>{ACCOUNT}</Account></GetCallerIdentityResult>
<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""


SERVICES = {"SageMaker": "sagemaker", "Logs_20140328": "logs"}
"""What stands before the dot of X-Amz-Target, and how botocore calls the service."""


class Refused(Exception):
    """An error of AWS."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status


@dataclass
class Stream:
    """One stream of CloudWatch: lines with the time of printing and the time of arrival."""

    events: list[tuple[float, float, str]] = field(default_factory=list)


@dataclass(eq=False)
class Job:
    """A training job."""

    request: Mapping[str, Any]
    tags: dict[str, str]
    born: float = field(default_factory=time.time)
    status: str = "InProgress"
    secondary: str = "Starting"
    steps: list[tuple[str, float, str]] = field(default_factory=list)
    reason: str = ""
    modified: float = field(default_factory=time.time)
    ended: float | None = None
    pid: int | None = None
    stopping: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.steps.append(("Starting", self.born, "Starting the training job"))

    @property
    def name(self) -> str:
        return str(self.request["TrainingJobName"])

    @property
    def arn(self) -> str:
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{self.name}"

    def began(self, pid: int) -> None:
        """Its program runs."""
        self.pid = pid

    def become(
        self, status: str, secondary: str | None = None, *, said: str = "", reason: str = ""
    ) -> None:
        """Change, as it does by itself or because a test wants it."""
        self.modified = time.time()
        self.status, self.secondary = status, secondary or status
        self.steps.append((self.secondary, self.modified, said or self.secondary))
        self.reason = reason or self.reason
        if status in ENDED:
            self.ended = self.modified

    def summary(self) -> dict[str, Any]:
        made = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": self.born,
            "LastModifiedTime": self.modified,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary,
        }
        return made | ({"TrainingEndTime": self.ended} if self.ended else {})

    def description(self) -> dict[str, Any]:
        kept = ("AlgorithmSpecification", "RoleArn", "ResourceConfig", "StoppingCondition",
                "Environment", "OutputDataConfig", "EnableManagedSpotTraining")  # fmt: skip
        times = [at for _, at, _ in self.steps[1:]] + [None]
        made = self.summary() | {key: self.request[key] for key in kept if key in self.request}
        made["SecondaryStatusTransitions"] = [
            {"Status": word, "StartTime": at, "StatusMessage": said}
            | ({"EndTime": to} if to else {})
            for (word, at, said), to in zip(self.steps, times, strict=True)
        ]
        return made | ({"FailureReason": self.reason} if self.reason else {})


class FakeAws:
    """An account in one region. Its attributes may be set by tests at any time."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.streams: dict[str, Stream] = {}
        self.calls: list[tuple[str, Mapping[str, Any], float]] = []
        self.starts: Counter[str] = Counter()
        self.throttled = 0.0
        """The part of requests that is refused as too many."""
        self.denied: set[str] = set()
        """Operations for which a right is missing."""
        self.expired: set[str] = set()
        """Access keys that do not count any more."""
        self.refusals: Counter[str] = Counter()
        self.lost: list[str] = []
        """Operations whose next answer is lost."""
        self.room: dict[str, int] = {}
        """How many jobs of a type of instance may run."""
        self.runs_images = False
        """Whether programs run in their image, by this machine's Docker Engine, and not beside it.
        """
        self.step_seconds = 0.01
        self.stop_seconds = 2.0
        """How long a program may take to end."""
        self.stopping_seconds = 0.0
        """How long a job is stopping after its program has ended."""
        self.log_seconds = 0.05
        """How late lines come to CloudWatch."""
        self.log_page = 500
        self.stale_tokens = False
        """Whether the next token that comes is one that does not count any more."""
        self.log_gap = 0
        """So many pages without a line come before each other one, and before a stream's end."""
        self.writer: Callable[[str], None] | None = None
        """Somebody who writes into a stream each time that it is read."""
        self.list_page = 100
        self._random = random.Random(7)
        self._tasks: TaskGroup
        self.url = ""

    def count(self, operation: str) -> int:
        """How often it was asked."""
        return sum(one == operation for one, _, _ in self.calls)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer for the time of the context."""
        app = web.Application(client_max_size=FOREIGN_LIMIT)
        app.router.add_post("/", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with anyio.create_task_group() as self._tasks:
                yield
                self._tasks.cancel_scope.cancel()
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            self._check(request)
            if "X-Amz-Target" not in request.headers:
                form = dict(parse_qsl(body.decode()))
                self.calls.append((form["Action"], form, time.monotonic()))
                text = IDENTITY if form["Action"] == "GetCallerIdentity" else self._simulated(form)
                return web.Response(text=text, content_type="text/xml")
            service, _, operation = request.headers["X-Amz-Target"].partition(".")
            asked = json.loads(body or b"{}")
            self.calls.append((operation, asked, time.monotonic()))
            answer = self._answer(model_of(SERVICES[service]), operation, asked)
        except Refused as exc:
            self.refusals[exc.code] += 1
            if "X-Amz-Target" not in request.headers:
                error = f"<Error><Code>{exc.code}</Code><Message>{exc.message}</Message></Error>"
                text = f"<ErrorResponse>{error}</ErrorResponse>"
                return web.Response(text=text, status=exc.status, content_type="text/xml")
            said = {"__type": exc.code, "message": exc.message}
            return web.json_response(said, status=exc.status, content_type=CONTENT)
        if operation in self.lost:
            self.lost.remove(operation)
            assert request.transport
            request.transport.abort()
        return web.json_response(
            answer, content_type=CONTENT, headers={"x-amzn-RequestId": str(uuid.uuid4())}
        )

    def _simulated(self, form: Mapping[str, str]) -> str:
        """What IAM says of a policy that allows all but what is denied."""
        told = ""
        for key, action in form.items():
            if key.startswith("ActionNames.member."):
                decision = "implicitDeny" if action.partition(":")[2] in self.denied else "allowed"
                told += f"<member><EvalActionName>{action}</EvalActionName>"
                told += f"<EvalDecision>{decision}</EvalDecision></member>"
        name = "SimulatePrincipalPolicy"
        return (
            f'<{name}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><{name}Result>'
            f"<EvaluationResults>{told}</EvaluationResults></{name}Result></{name}Response>"
        )

    def _check(self, request: web.Request) -> None:
        found = re.search("Credential=([^/]+)/", request.headers.get("Authorization", ""))
        if found is None:
            raise Refused("MissingAuthenticationTokenException", "unsigned", 403)
        if found[1] in self.expired:
            raise Refused("ExpiredTokenException", "The security token included is expired")

    def _answer(
        self, model: ServiceModel, operation: str, asked: dict[str, Any]
    ) -> Mapping[str, Any]:
        if self._random.random() < self.throttled:
            raise Refused("ThrottlingException", "Rate exceeded")
        if operation in self.denied:
            raise Refused("AccessDeniedException", f"not authorized to perform: {operation}")
        of = model.operation_model(operation)
        report = ParamValidator().validate(asked, of.input_shape)
        bad = [report.generate_report()] if report.has_errors() else []
        bad += faults(of.input_shape, asked)
        if bad:
            raise Refused("ValidationException", "; ".join(bad))
        answer: Mapping[str, Any] = getattr(self, f"_{operation}")(asked)
        members = of.output_shape.members if of.output_shape else {}
        assert {*answer} <= {*members}, {*answer} - {*members}
        return answer

    def _found(self, asked: Mapping[str, Any]) -> Job:
        job = self.jobs.get(asked["TrainingJobName"])
        if job is None:
            raise Refused("ValidationException", "Requested resource not found.")
        return job

    def _of_arn(self, asked: Mapping[str, Any]) -> Job:
        return self._found({"TrainingJobName": asked["ResourceArn"].rpartition("/")[2]})

    def _CreateTrainingJob(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        name, kind = asked["TrainingJobName"], asked["ResourceConfig"]["InstanceType"]
        if name in self.jobs:
            raise Refused("ResourceInUse", "Training job names must be unique")
        live = [one for one in self.jobs.values() if one.status not in ENDED]
        used = sum(one.request["ResourceConfig"]["InstanceType"] == kind for one in live)
        if used >= self.room.get(kind, used + 1):
            said = f"The account-level service limit '{kind} for training job usage' is {used}"
            raise Refused("ResourceLimitExceeded", said)
        tags = {one["Key"]: one["Value"] for one in asked.get("Tags", [])}
        job = self.jobs[name] = Job(asked, tags)
        if asked["AlgorithmSpecification"].get("ContainerEntrypoint"):
            self._tasks.start_soon(self._live, job)
        return {"TrainingJobArn": job.arn}

    def _DescribeTrainingJob(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._found(asked).description()

    def _StopTrainingJob(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        job = self._found(asked)
        if job.status != "InProgress":
            said = f"The request was rejected because the training job is in status {job.status}"
            raise Refused("ValidationException", said)
        job.become("Stopping", said="Stopping the training job")
        job.stopping.set()
        return {}

    def _ListTrainingJobs(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        jobs = sorted(self.jobs.values(), key=lambda one: one.born, reverse=True)
        wanted = asked.get("StatusEquals")
        after = asked.get("CreationTimeAfter", 0)
        jobs = [one for one in jobs if wanted in {None, one.status} and one.born >= after]
        begin = int(asked.get("NextToken", "0"))
        size = min(self.list_page, asked.get("MaxResults", 10))
        page = [one.summary() for one in jobs[begin : begin + size]]
        more = {"NextToken": str(begin + size)} if begin + size < len(jobs) else {}
        return {"TrainingJobSummaries": page, **more}

    def _AddTags(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        job = self._of_arn(asked)
        job.tags |= {one["Key"]: one["Value"] for one in asked["Tags"]}
        return {"Tags": [{"Key": key, "Value": value} for key, value in job.tags.items()]}

    def _ListTags(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        tags = self._of_arn(asked).tags.items()
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags]}

    def _DescribeLogStreams(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.streams or asked["logGroupName"] != GROUP:
            raise Refused("ResourceNotFoundException", "The specified log group does not exist.")
        begun = {name: at for at, name in enumerate(self.streams, 1)}
        names = [one for one in begun if one.startswith(asked["logStreamNamePrefix"])]
        return {
            "logStreams": [
                {"logStreamName": name, "creationTime": begun[name]} for name in sorted(names)
            ]
        }

    def _GetLogEvents(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        stream = self.streams.get(asked["logStreamName"])
        if stream is None:
            raise Refused("ResourceNotFoundException", "The specified log stream does not exist.")
        token = asked.get("nextToken", "f/0")
        if not token.startswith("f/") or (self.stale_tokens and "nextToken" in asked):
            self.stale_tokens = False
            raise Refused("InvalidParameterException", "The specified nextToken is invalid.")
        at, _, looks = token[2:].partition("/")
        begin, now = int(at), time.time()
        found = stream.events[begin : begin + self.log_page]
        there = [one for one in found if one[1] <= now]
        if self.writer:
            self.writer(asked["logStreamName"])
        if int(looks or 0) < self.log_gap:
            following = f"f/{begin}/{int(looks or 0) + 1}"
            return {"events": [], "nextForwardToken": following, "nextBackwardToken": "b/0"}
        more = f"/{looks}" if looks and not there else ""
        return {
            "events": [
                {"timestamp": int(at * 1000), "message": text, "ingestionTime": int(come * 1000)}
                for at, come, text in there
            ],
            "nextForwardToken": f"f/{begin + len(there)}{more}",
            "nextBackwardToken": "b/0",
        }

    def print(self, stream: str, text: str, *, at: float | None = None) -> None:
        """A line comes to a stream."""
        now = time.time()
        made = self.streams.setdefault(stream, Stream())
        made.events += [
            (at or now, now + self.log_seconds, text[begin : begin + LONGEST_EVENT])
            for begin in range(0, len(text), LONGEST_EVENT)
        ]

    async def _live(self, job: Job) -> None:
        """From its start to its end, with a process of its own."""
        for word in ("Downloading", "Training"):
            with anyio.move_on_after(self.step_seconds):
                await job.stopping.wait()
            if job.stopping.is_set():
                job.become("Stopped")
                return
            job.become("InProgress", word)
        code = await self._run(job)
        if job.stopping.is_set():
            await anyio.sleep(self.stopping_seconds)
            job.become("Stopped")
        elif code == 0:
            job.become("InProgress", "Uploading")
            await anyio.sleep(self.step_seconds)
            job.become("Completed")
        else:
            shown = code if code >= 0 else 128 - code
            job.become("Failed", reason=f"AlgorithmError: , exit code: {shown}")

    async def _run(self, job: Job) -> int:
        algorithm = job.request["AlgorithmSpecification"]
        command = [*algorithm["ContainerEntrypoint"], *algorithm.get("ContainerArguments", [])]
        env = {"PATH": os.environ["PATH"], **job.request.get("Environment", {})}
        if self.runs_images:
            given = [word for name in job.request.get("Environment", {}) for word in ("-e", name)]
            image = [f"--entrypoint={command[0]}", algorithm["TrainingImage"], *command[1:]]
            command = ["docker", "run", "--rm", "--pull=never", *given, *image]
        self.starts[job.name] += 1
        stream = f"{job.name}/algo-1-{int(job.born)}"

        def line(text: str) -> None:
            if text:  # CloudWatch takes no empty ones
                self.print(stream, text)

        return await Program(command, env, job.stopping, self.stop_seconds).run(job.began, line)


@contextmanager
def fake_aws() -> Iterator[FakeAws]:
    """An account that answers from a thread of its own."""
    fake = FakeAws()
    with (
        start_blocking_portal(name="AnyIO worker thread of AWS") as portal,
        portal.wrap_async_context_manager(fake.serving()),
    ):
        yield fake
