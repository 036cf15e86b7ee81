"""Whatever a queue says, and whatever an API server answers, ends in a value or in an error."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.answering import Answering, answering
from fuzzing.trial import HEAVY, Parse, Prepare, mapping_of, tried, tried_prepared
from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.cluster.client import ClusterClient, open_client
from launchkit_kubernetes.cluster.discovery import EVENTS, PODS, Discovery
from launchkit_kubernetes.cluster.errors import ClusterError, ClusterRefused
from launchkit_kubernetes.cluster.findings import missing_right
from launchkit_kubernetes.cluster.objects import Objects
from launchkit_kubernetes.kaniko.config import build_args, config_problems
from launchkit_kubernetes.kaniko.manifest import ContextPlace, JobDesign, manifest_of
from launchkit_kubernetes.kaniko.verdicts import build_error
from launchkit_kubernetes.manifest.args import check_args, parse_args
from launchkit_kubernetes.manifest.build import BuildContext, no_image, workload_of
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.manifest.policy import KubernetesPolicy, strict_objections
from launchkit_kubernetes.runs.log_place import PLACE, kept_place
from launchkit_kubernetes.runs.merging import Merge
from launchkit_kubernetes.runs.reasons import why_no_pods
from launchkit_kubernetes.runs.streams import STORED_BYTES, Stream, last_output, opened, streams_of
from launchkit_kubernetes.runs.whose import labels_of
from launchkit_kubernetes.status.custom import custom_status
from launchkit_kubernetes.status.job import job_status
from launchkit_kubernetes.status.kueue import waits_for_quota
from launchkit_kubernetes.status.pod import Pod, pod_status, waits_for_key

from launchkit.codec import encode_json
from launchkit.images.context import BuildPlan
from launchkit.images.maker import PlannedBuild
from launchkit.images.target import Target
from launchkit.model import ImageSource, RunStatus, Secret
from launchkit.testing import make_launch, make_submission

from .manifest import examples
from .status.test_objects import EXAMPLES

QUEUES = [
    examples.example(one)
    for one in (
        *(examples.SEED_JOB, examples.SEED_INJECTED, examples.SEED_PYTORCH, examples.MPI),
        *(examples.VOLCANO, examples.RAY, examples.JOBSET, examples.TRAIN, examples.LEADER),
    )
]
SEEN: list[Mapping[str, Any]] = [one.values[0] for one in EXAMPLES]
OBJECTS = [one[key] for one in SEEN for key in ("pod", "job", "custom") if key in one]
REF = Ref("batch/v1", "Job", "ns", "run")
STREAM = Stream("pod", "main")
NAMED = {"name": "pod", "uid": "u", "labels": {"run": "r"}, "resourceVersion": "7"}
KANIKO = {
    "metadata": {"labels": {"team": "a"}, "annotations": {"b": "c"}},
    "spec": {
        "backoffLimit": 1,
        "template": {
            "metadata": {"labels": {"team": "a"}},
            "spec": {
                "containers": [
                    {
                        "args": ["--cache=false", "--build-arg=A=b", "--verbosity=debug"],
                        "env": [{"name": "A", "value": "b"}],
                        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                        "resources": {"limits": {"memory": "1Gi"}},
                    }
                ],
                "initContainers": [{"name": "launchkit-code", "image": "i"}],
                "volumes": [{"name": "v", "emptyDir": {}}],
                "imagePullSecrets": [{"name": "s"}],
            },
        },
    },
}
PLAN = BuildPlan(
    context=Path(),
    entries=(),
    dockerfile="FROM scratch\n",
    dockerfile_name="Dockerfile",
    base_images=(),
    generated=False,
)
TARGET = Target(ref="registry.example/team/image:0123456789abcdef0123", pushed=True)
DEEP = b"[" * 60_000
LOGS = (
    (
        "2026-01-02T03:04:05.678901234Z first\n2026-01-02T03:04:05.7Z second\n"
        "2026-01-02T03:04:05+01:00 third\n9999-12-31T23:59:59-23:59 last"
    ),
    f"2026-01-02T03:04:05Z {'x' * 16384}2026-99-99T99:99:99Z more of it\n",
)
TOLD = (
    'pods is forbidden: User "a" cannot list resource "pods" in API group "" in the namespace "n"',
    'error building image: error building stage: failed to execute command: "signal: killed"',
)


def queue_of(text: str) -> Any:
    return mapping_of(text) if len(text) % 5 == 0 else altered(chance_of(text).choice(QUEUES), text)


def policies(text: str) -> Callable[[], object]:
    args = queue_of(text)
    return lambda: [*strict_objections(args, KubernetesPolicy())]


def queues(text: str) -> Callable[[], object]:
    return partial(check_args, queue_of(text))


def workloads(text: str) -> Callable[[], object]:
    args = queue_of(text)
    check_args(args)
    launch = make_launch(
        run_id=text[:40] or "r",
        name=text,
        project=text[:300],
        queue=text[-40:],
        entity=text[1:60],
        author=text,
        args=(text,),
        source=ImageSource(image="img:1"),
        resource_args=args,
    )
    env = {text[:60]: Secret(text), "A": text, f"{text[:60]}*": Secret(f"{text}x")}
    submission = make_submission("sh", text, launch=launch, image="img:1", env=env)
    parsed = parse_args(args)
    contexts = (
        BuildContext(namespace="ns", agent=text[:99], strict=True, code_pieces=2),
        BuildContext(namespace="ns", pull_secret=True, code_pieces=1, code_claim="c"),
        BuildContext(namespace="ns"),
    )
    context = chance_of(text).choice(contexts)

    def made() -> None:
        with suppress(UnicodeEncodeError):
            json.dumps(workload_of(parsed, submission, context).body, allow_nan=False)
        no_image(parsed, replace(submission, image=None))

    return made


def builds(text: str) -> None:
    config = mapping_of(text) if len(text) % 5 == 0 else altered(KANIKO, text)
    if config_problems(config):
        return
    args = build_args({"A": text}, config)
    build = PlannedBuild(plan=PLAN, tag="t", target=TARGET, build_args=args)
    design = JobDesign(prefix="b", namespace="ns", image="i", agent=text, config=config)
    for place in (
        ContextPlace(address="s3://b/k", pieces=2),
        ContextPlace(address="https://h/k", linked=True),
    ):
        made = manifest_of(build, design, place, archive="a", login=True)
        json.dumps(made.body)


def objects(text: str) -> None:
    found = (
        mapping_of(text) if len(text) % 9 == 0 else altered(chance_of(text).choice(OBJECTS), text)
    )
    pod = Pod.of(found)
    others = [pod, Pod.of(OBJECTS[len(text) % 7])]
    streams_of(others)
    labels_of(found)
    for status in (
        pod_status(pod, main="main"),
        job_status(found, others, main="main"),
        custom_status(found, others, main="main"),
    ):
        kept(status)
        waits_for_key(status.message)
    waits_for_quota(found)
    kept_place({"metadata": {"annotations": {PLACE: text}}})


def kept(status: RunStatus) -> None:
    """It can be stored, and sent."""
    encode_json(status).encode()
    if status.verdict:
        str(build_error(TARGET.ref, status, b"", None)).encode()


def told(text: str) -> None:
    missing_right(ClusterRefused(403, "Forbidden", text))
    status = RunStatus(state=pod_status(Pod.of({}), main="").state, message=text[:200])
    build_error(TARGET.ref, status, text.encode(errors="replace"), text[:100])


PARSERS: dict[str, tuple[Parse, tuple[str, ...], float]] = {
    "builds": (builds, (), 1),
    "objects": (objects, (), 1),
    "refusals": (told, TOLD, 1),
}


@pytest.mark.parametrize("name", PARSERS)
def test_fuzz_what_a_queue_or_a_cluster_says_is_a_value_or_an_error(name: str) -> None:
    tried(f"Kubernetes' {name}", *PARSERS[name])


@pytest.mark.parametrize("prepare", [policies, queues, workloads])
def test_fuzz_what_a_queue_becomes_is_a_value_or_an_error(prepare: Prepare) -> None:
    tried_prepared(f"Kubernetes' {prepare.__name__}", prepare)


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as server:
        yield server


@pytest.fixture
def access(server: Answering, tmp_path: Path) -> Access:
    """The way to a server that answers whatever it is told to."""
    config = {
        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    return Access(config_file=str(tmp_path / "kubeconfig"))


@contextmanager
def opened_client(runner: asyncio.Runner, access: Access) -> Iterator[ClusterClient]:
    stack = AsyncExitStack()
    try:
        yield runner.run(stack.enter_async_context(open_client(access, 1e6, 1000)))
    finally:
        runner.run(stack.aclose())


def run_of(found: Mapping[str, Any]) -> str:
    return "r" if found else ""


async def looked(client: ClusterClient, chance: Random) -> None:
    """One of the ways in which an answer is read; that it cannot be is told."""
    seen = Objects(client, PODS.path("ns"), Pod.of, run_of)

    async def changes() -> None:
        async with aclosing(seen.changes(await seen.begin())) as runs:
            async for run in runs:
                seen.of(run)

    calls: Sequence[Callable[[], Awaitable[object]]] = (
        seen.list,
        changes,
        changes,
        lambda: why_no_pods(client, REF, {"metadata": NAMED}),
        lambda: client.listed(EVENTS.path("ns"), {}),
        lambda: Discovery(client).resource("kubeflow.org/v1", "PyTorchJob"),
    )
    await chance.choice(calls)()


def test_fuzz_what_a_server_answers_is_a_value_or_an_error(
    server: Answering, access: Access
) -> None:
    page = {"metadata": {"resourceVersion": "8"}, "items": [{"metadata": NAMED}, OBJECTS[0]]}
    event = {"type": "ADDED", "object": {"metadata": NAMED, "status": {"phase": "Running"}}}
    failure = {"kind": "Status", "reason": "Conflict", "message": "no", "code": 409}
    kinds = {"resources": [{"kind": "PyTorchJob", "name": "pytorchjobs", "namespaced": True}]}
    events = {"items": [{"involvedObject": {"uid": "u"}, "message": "no room"}]}
    answers = (page, event, {"type": "ERROR", "object": failure}, failure, kinds, events)

    def read(text: str) -> None:
        chance = chance_of(text)
        found = altered(chance.choice(answers), text)
        if isinstance(found, dict) and isinstance(found.get("metadata"), dict):
            found["metadata"].pop("continue", None)  # a list may be as long as it likes
        body = json.dumps(found).encode() if len(text) % 5 else text.encode(errors="replace")
        server.answer(text, body, ("Retry-After", "Content-Type"))
        runner.run(looked(client, chance))

    with asyncio.Runner() as runner, opened_client(runner, access) as client:
        tried("answers of an API server", read, share=HEAVY)


def test_fuzz_what_a_container_prints_is_output(server: Answering, access: Access) -> None:
    pod = Pod.of(
        {
            "metadata": {"name": "pod"},
            "status": {
                "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 1}}}]
            },
        }
    )

    def read(text: str) -> None:
        server.status, server.body = 200, text.encode(errors="replace")
        runner.run(asked())

    async def asked() -> None:
        async with opened(client, "ns", STREAM, None, follow=True) as lines:
            last = max([time_ns async for time_ns, _ in lines], default=0)
        async with opened(client, "ns", STREAM, last, follow=False):
            pass
        merge = Merge(kept_place({}), partial(opened, client, "ns", follow=False))
        merge.expect([STREAM])
        while not await merge.read(STREAM, has_ended=True):
            merge.ready(math.inf)
        merge.ready(None)
        encode_json(merge.kept(0))
        await last_output(client, "ns", [pod])

    with asyncio.Runner() as runner, opened_client(runner, access) as client:
        tried("logs of a cluster", read, LOGS, HEAVY)


@pytest.mark.parametrize("stamp", ["2026-99-99T99:99:99Z", "9999-12-31T23:59:59-23:59"])
def test_what_a_program_prints_and_looks_like_a_time_is_output(
    server: Answering, access: Access, stamp: str
) -> None:
    """It stands where older kubelets put a time: after so many bytes of a line."""
    line = f"{'x' * STORED_BYTES}{stamp} more\n".encode()
    server.status, server.body = 200, b"2026-01-02T03:04:05Z " + line

    async def printed() -> bytes:
        async with opened(client, "ns", STREAM, None, follow=True) as lines:
            return b"".join([part async for _, part in lines])

    with asyncio.Runner() as runner, opened_client(runner, access) as client:
        assert runner.run(printed()) == line


def test_what_somebody_nests_very_deep_keeps_no_other_object_from_being_seen(
    server: Answering, access: Access
) -> None:
    deep = b'{"a": [' * 3000 + b'"]}"' + b"]}" * 3000
    pod = b'{"metadata": {"name": "%s", "resourceVersion": "%d"}, "status": %s}'
    pods = [pod % (b"one", 1, deep), pod % (b"other", 2, b'{"phase": "Running"}')]
    about = b'"kind": "PodList", "metadata": {"resourceVersion": "2"}'
    page = b'{%s, "items": [%s]}' % (about, b",".join(pods))
    event = b'{"type": "MODIFIED", "object": %s}' % (pod % (b"one", 3, deep))

    async def seen() -> tuple[set[str], list[str]]:
        found = Objects(client, PODS.path("ns"), Pod.of, run_of)
        server.body = page
        await found.list()
        server.body = event
        async with aclosing(found.changes("2")) as runs:
            return {each.name for each in found.of("r")}, [run async for run in runs]

    with asyncio.Runner() as runner, opened_client(runner, access) as client:
        assert runner.run(seen()) == ({"one", "other"}, ["r"])


@pytest.mark.parametrize(
    "status", [HTTPStatus.BAD_REQUEST, HTTPStatus.OK], ids=["a refusal", "an event"]
)
def test_an_answer_that_is_nested_very_deep_is_told(
    server: Answering, access: Access, status: int
) -> None:
    server.status, server.body = status, DEEP
    pods = PODS.path("ns")

    async def asked() -> None:
        seen = Objects(client, pods, Pod.of, run_of)
        async with aclosing(seen.changes("1")) as runs:
            await anext(runs)

    with (
        asyncio.Runner() as runner,
        opened_client(runner, access) as client,
        pytest.raises(ClusterError),
    ):
        runner.run(asked())
