"""Whatever a queue says, and whatever Google answers, ends in a value or in an error."""

from collections.abc import Sequence
from typing import Any

import pytest
from fuzzing.altered import altered, chance_of
from fuzzing.trial import LIGHT, Parse, mapping_of, tried
from google.api_core import exceptions as gax
from google.rpc import error_details_pb2
from launchkit_gcp.vertex.api import custom_job
from launchkit_gcp.vertex.args import check_args, parse_args
from launchkit_gcp.vertex.board import key_of
from launchkit_gcp.vertex.grpc_errors import told
from launchkit_gcp.vertex.log_entries import entries_of, filter_of, nanoseconds, time_text
from launchkit_gcp.vertex.request import RequestContext, request_of
from launchkit_gcp.vertex.status import status
from launchkit_gcp.vertex.view import ENDED, LIVE, JobView, view_of

from launchkit.codec import encode_json
from launchkit.model import ImageSource, Secret
from launchkit.testing import make_launch, make_submission

from .beside import PROJECT, REGION
from .making import ACCOUNT, IMAGE, config, pool

NETWORK = f"projects/1/global/networks/{PROJECT}"
QUEUES = (
    config(),
    {"vertex": config({"timeout": 60, "service_account": ACCOUNT, "enable_web_access": True})},
    config(
        {
            "scheduling_strategy": "FLEX_START",
            "max_wait_duration": "60s",
            "network": NETWORK,
            "tensorboard": f"projects/1/locations/{REGION}/tensorboards/2",
            "service_account": ACCOUNT,
            "restart_job_on_worker_restart": True,
        },
        worker_pool_specs=[
            pool(),
            pool(
                replica_count=3,
                disk_spec={"boot_disk_type": "pd-ssd", "boot_disk_size_gb": 200},
                container_spec={
                    "image_uri": IMAGE,
                    "command": ["sh"],
                    "args": ["-c", "true"],
                    "env": [{"name": "A", "value": "b"}],
                },
            ),
        ],
        labels={"team": "a"},
        display_name="train-${run_id}",
    ),
    {
        **config(),
        "fallback": [{"location": "europe-west4", "staging_bucket": "b-eu"}, {"machine_spec": {}}],
    },
)
ENTRY = {
    "timestamp": "2026-01-02T03:04:05.678901234Z",
    "insertId": "i1",
    "resource": {"labels": {"job_id": "42", "task_name": "workerpool0-0"}},
}
PAGES: Sequence[Any] = (
    {"entries": [{**ENTRY, "textPayload": "a line\n"}]},
    {"entries": [{**ENTRY, "jsonPayload": {"message": "a line", "levelname": "INFO"}}]},
    {"entries": [{**ENTRY, "jsonPayload": {"loss": 0.5, "deep": [{"a": None}]}}, ENTRY]},
    {"error": {"code": 403, "message": "denied", "status": "PERMISSION_DENIED", "details": [{}]}},
)
REASONS = (
    "The replica workerpool0-0 exited with a non-zero status of 137. Out-of-memory.",
    "Resources are insufficient in region: us-central1. Please try a different region.",
    "Failed to pull image: permission denied, no such file or directory exec, spot was reclaimed",
)
JOBS = ("projects/p/locations/us-central1/customJobs/42",)


def queues(text: str) -> None:
    chance = chance_of(text)
    args = mapping_of(text) if len(text) % 5 == 0 else altered(chance.choice(QUEUES), text)
    check_args(args)
    launch = make_launch(
        run_id=text[:40] or "r",
        name=text,
        project=text[:300],
        queue=text[-40:],
        author=text,
        entry_point=("sh", text),
        args=(text,),
        attempt=1 + len(text) % 3,
        source=ImageSource(image=IMAGE),
        resource_args=args,
    )
    env = {"A": text, text[:60]: Secret(text)}
    submission = make_submission("sh", text, launch=launch, image=IMAGE, env=env)
    context = RequestContext(agent=text[:99], project=PROJECT, region=REGION)
    parsed = parse_args(args, is_filled=True)
    made = custom_job(request_of(parsed, submission, context, masks=bool(len(text) % 2)))
    key_of(view_of(made))


def reasons(text: str) -> None:
    error = {"message": text.encode(errors="replace").decode(), "code": len(text) % 20}
    made = custom_job({"name": JOBS[0], "state": "JOB_STATE_FAILED", "error": error})
    encode_json(status(view_of(made))).encode()


def jobs(text: str) -> None:
    state = chance_of(text).choice([*LIVE, *ENDED, text])
    view = JobView(name=text, state=state, error=text, code=len(text) % 17, labels={text: text})
    status(view)
    key_of(view)


def times(text: str) -> None:
    chance = chance_of(text)
    made = custom_job({"name": JOBS[0], "state": "JOB_STATE_RUNNING"})
    proto = type(made).pb(made)
    for name in ("create_time", "start_time", "end_time", "update_time"):
        getattr(proto, name).seconds = chance.choice((0, 1, chance.randrange(-(1 << 62), 1 << 62)))
        getattr(proto, name).nanos = chance.choice((0, 5, -1, (1 << 31) - 1))
    proto.job_spec.scheduling.timeout.seconds = chance.randrange(-(1 << 62), 1 << 62)
    view = view_of(made)
    encode_json(status(view)).encode()


def refusals(text: str) -> None:
    chance = chance_of(text)
    wish = error_details_pb2.RetryInfo()
    wish.retry_delay.seconds = chance.choice((0, 5, chance.randrange(-(1 << 62), 1 << 62)))
    wish.retry_delay.nanos = chance.choice((0, -1, (1 << 31) - 1))
    kinds = (gax.TooManyRequests, gax.ServiceUnavailable, gax.Unauthorized, gax.BadRequest)
    str(told(text, chance.choice(kinds)(text, details=[wish])))


def entries(text: str) -> None:
    if (at := nanoseconds(text)) is not None:
        time_text(at)
    found = entries_of(altered(chance_of(text).choice(PAGES), text))
    for entry in sorted(found):
        filter_of([entry.job], entry.mark)


PARSERS: dict[str, tuple[Parse, tuple[str, ...], float]] = {
    "queues": (queues, (), 1),
    "reasons": (reasons, REASONS, LIGHT),
    "times": (times, (), 1),
    "refusals": (refusals, (), 1),
    "jobs": (jobs, JOBS, LIGHT),
    "entries": (entries, (ENTRY["timestamp"],), 1),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("name", PARSERS)
def test_fuzz_what_a_queue_or_vertex_ai_says_is_a_value_or_an_error(name: str) -> None:
    tried(f"Vertex AI's {name}", *PARSERS[name])
