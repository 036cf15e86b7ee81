"""What a runner of Vertex AI says of itself, its queues and rights before anything is launched."""

import re
from pathlib import Path

import pytest
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.vertex.runner import VertexRunner

from launchkit.errors import ConfigError, SubmitError
from launchkit.testing import RecordingOutput, site_at, started

from .beside import BUCKET, NUMBER, PROJECT, REGION
from .fake import FakeVertex
from .making import ACCOUNT, config, endpoints, pool, submission


@pytest.mark.parametrize(
    ("location", "told"),
    [
        (("us-east1", "region"), "is in us-east1"),
        (("us", "multi-region"), "is in us, a multi-region"),
        (("", ""), f"there is no bucket {BUCKET}"),
    ],
)
async def test_a_staging_bucket_that_is_elsewhere_is_refused_before(
    made: VertexRunner, fake: FakeVertex, location: tuple[str, str], told: str
) -> None:
    fake.location = location
    with pytest.raises(SubmitError, match=re.escape(told)):
        await made.prepare(submission(), RecordingOutput())
    assert not fake.jobs


async def test_a_runner_needs_an_environment_or_a_place(tmp_path: Path, fake: FakeVertex) -> None:
    async with site_at(tmp_path / "one") as site:
        with pytest.raises(ConfigError, match=r"needs environment: \{type: gcp\}"):
            async with started(VertexRunner(region=REGION), site):
                pass
    urls = endpoints(fake.grpc_url, fake.http_url)
    environment = GcpEnvironment(project=PROJECT, region=REGION, endpoint_urls=urls)
    async with site_at(tmp_path / "two", environment=environment) as site:
        async with started(environment, site), started(VertexRunner(), site) as one:
            finding, rights = await one.check()
            assert (rights.level, "has all 5 permissions" in rights.message) == ("ok", True)
            assert (finding.level, finding.message) == ("ok", f"answers, for project {PROJECT}")
        other = VertexRunner(region="europe-west4")
        async with started(environment, site), started(other, site) as one:
            assert one.ref_of(submission()).startswith(f"{PROJECT}/europe-west4/")


async def test_a_check_prints_the_command_that_grants_what_is_lacking(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.lacking |= {"aiplatform.customJobs.cancel", "logging.logEntries.list"}
    _, jobs, logs = await made.check()
    assert (jobs.level, logs.level) == ("warning", "warning")
    assert "aiplatform.customJobs.cancel" in jobs.message
    member = f"--member=serviceAccount:{ACCOUNT}"
    grant = f"gcloud projects add-iam-policy-binding {PROJECT} {member}"
    assert f"{grant} --role=roles/aiplatform.user" in str(jobs.hint)
    assert f"{grant} --role=roles/logging.viewer" in str(logs.hint)


async def test_a_check_of_a_service_that_is_away_says_so_soon(
    made: VertexRunner, fake: FakeVertex
) -> None:
    fake.away.add("ListCustomJobs")
    (finding,) = await made.check()
    assert (finding.level, "currently unavailable" in finding.message) == ("error", True)


async def test_a_check_of_a_queue_looks_at_its_bucket_and_its_account(
    made: VertexRunner, fake: FakeVertex
) -> None:
    args = config(run={"service_account": ACCOUNT})
    bucket, account = await made.check_queue(args)
    assert (bucket.level, account.level) == ("ok", "ok")
    fake.location = ("us", "multi-region")
    bucket, _ = await made.check_queue(args)
    assert (bucket.level, "multi-region" in bucket.message) == ("error", True)
    assert not await made.check_queue(config(staging_bucket="{{bucket}}"))
    fake.lacking.add("iam.serviceAccounts.actAs")
    _, account = await made.check_queue(config(run={"service_account": f"x-{ACCOUNT}"}))
    assert "roles/iam.serviceAccountUser" in str(account.hint)


async def test_a_check_looks_whether_vertex_ai_itself_may_pull_from_another_project(
    made: VertexRunner, fake: FakeVertex
) -> None:
    """The account that a job is pulls no images."""
    image = f"{REGION}-docker.pkg.dev/other/launch/train:1"
    args = config(worker_pool_specs=[pool(container_spec={"image_uri": image})])
    _, lacking = await made.check_queue(args)
    agent = f"serviceAccount:service-{NUMBER}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
    assert lacking.level == "warning"
    assert f"--project=other --member={agent} --role=roles/artifactregistry.reader" in str(
        lacking.hint
    )
    fake.bindings.append({"role": "roles/artifactregistry.reader", "members": [agent]})
    _, fine = await made.check_queue(args)
    assert fine.level == "ok"
