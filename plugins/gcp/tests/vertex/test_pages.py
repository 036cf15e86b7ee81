"""The pages about Vertex AI: the tutorial is typed on the fake project, and the rest is right."""

from pathlib import Path

from launchkit_gcp.vertex.needs import needs_of
from launchkit_gcp.vertex.runner import VertexRunner
from pages import ROOT, blocks, commands_of, type_commands, write_files

from .beside import BUCKET
from .fake import FakeVertex, S
from .making import endpoints

TUTORIAL = ROOT / "docs" / "tutorial" / "vertex.md"
REFERENCE = ROOT / "docs" / "reference" / "vertex.md"


def test_the_tutorial_does_what_it_says(fake: FakeVertex, tmp_path: Path) -> None:
    urls = endpoints(fake.grpc_url, fake.http_url)
    replaced = {
        "poll_seconds: 15": "poll_seconds: 0.2\n    log_rate: 50",
        "log_seconds: 15": "log_seconds: 0.5",
        "type: gcp\n": f"type: gcp\n  endpoint_urls: {urls}\n",
        "gs://my-bucket": f"gs://{BUCKET}",
    }
    write_files(TUTORIAL, tmp_path, replaced)
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "key.json")}
    type_commands(commands_of(blocks(TUTORIAL)), tmp_path, replaced, environ)
    assert [job.state for job in fake.jobs.values()] == [
        S.JOB_STATE_SUCCEEDED,
        S.JOB_STATE_FAILED,
        S.JOB_STATE_CANCELLED,
    ]
    first, second, _ = (job.view.job_spec.worker_pool_specs[0] for job in fake.jobs.values())
    machines = [one.machine_spec.machine_type for one in (first, second)]
    assert machines == ["n1-standard-4", "n1-highmem-8"]


def test_the_page_names_each_setting_of_the_runner() -> None:
    text = REFERENCE.read_text()
    assert [name for name in VertexRunner.setting_names() if f"| `{name}` |" not in text] == []


def test_the_tutorial_names_each_permission_that_the_runner_needs() -> None:
    text = TUTORIAL.read_text()
    needs = needs_of("p")
    assert [one for need in needs for one in need.permissions if f"`{one}`" not in text] == []
    assert [role for need in needs for role in need.roles if role not in text] == []
