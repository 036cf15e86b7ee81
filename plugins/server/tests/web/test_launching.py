"""Launching from the browser: the form asks for what the queue leaves open, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from .browsers import Watched
from .lab import Lab
from .screens import editor, look_at

CONFIG = {"env": {"INSTANCE": "{{aws_instance}}", "EPOCHS": "{{epochs}}"}}
VARIABLES = {
    "aws_instance": {"type": "string", "enum": ["ml.p3.2xlarge", "ml.m4.xlarge"]},
    "epochs": {"type": "integer", "minimum": 1, "maximum": 10, "default": 2},
}
PROGRAM = """\
import os
print("trains on", os.environ["INSTANCE"], "for", os.environ["EPOCHS"], flush=True)
"""


@pytest.fixture(scope="module", autouse=True)
def filled(lab: Lab) -> Iterator[None]:
    """A queue with a template, another one, a job, and an agent."""
    body = {"name": "train", "resource": "local-process", "config": CONFIG, "prioritization": True}
    lab.of_entity("POST", "/queues", {**body, "variables": VARIABLES})
    lab.of_entity("POST", "/queues", {"name": "other", "resource": "local-process"})
    code = lab.folder / "code"
    code.mkdir()
    (code / "train.py").write_text(PROGRAM)
    lab.run("job", "create", "code", str(code), "-n", "fit", "-E", "python train.py")
    with lab.process("agent", "-q", "train", "-q", "other"):
        yield


async def test_only_what_the_queue_allows_can_be_chosen_and_it_runs(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/jobs"))
    await page.get_by_role("link", name="Launch", exact=True).click()
    await page.get_by_label("Queue", exact=True).select_option("train")
    instance = page.get_by_label("aws_instance", exact=True)
    await expect(instance.locator("option")).to_have_text(
        ["Choose…", "ml.p3.2xlarge", "ml.m4.xlarge"]
    )
    await instance.select_option("ml.m4.xlarge")
    await page.get_by_label("epochs", exact=True).fill("7")
    await page.get_by_label("Name", exact=True).fill("by-hand")
    await page.get_by_label("Priority", exact=True).select_option("high")
    shown = page.get_by_role("region", name="What is launched")
    await expect(shown.get_by_role("row", name="INSTANCE")).to_contain_text("ml.m4.xlarge")
    await expect(shown).to_contain_text("--set-var=epochs=7")
    await look_at(page, "launch")
    await page.get_by_role("button", name="Launch", exact=True).click()
    await page.wait_for_url("**/launches/*")
    assert lab.run("wait", "by-hand") is not None
    assert "trains on ml.m4.xlarge for 7" in lab.run("logs", "by-hand")


async def test_who_comes_back_to_a_launch_finds_what_was_written(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/launch?queue=other"))
    await page.get_by_label("Queue", exact=True).select_option("train")
    epochs = page.get_by_label("epochs", exact=True)
    await epochs.fill("7")
    name = page.get_by_label("Name", exact=True)
    await name.fill("kept")
    await page.reload()
    await expect(epochs).to_have_value("7")
    await expect(name).to_have_value("kept")


async def test_what_is_out_of_bounds_is_told_beside_its_field(
    page: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("422")
    await page.goto(lab.at("/launch?queue=train&job=fit"))
    await page.get_by_label("aws_instance", exact=True).select_option("ml.p3.2xlarge")
    await page.get_by_label("epochs", exact=True).fill("11")
    await page.get_by_text("Overrides").click()
    await editor(page, "Config").fill("a: [")
    await page.locator("#launch").evaluate("form => { form.noValidate = true }")
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.locator(".at-fault", has_text="Config")).to_contain_text("not valid YAML")
    await editor(page, "Config").fill("")
    await page.locator("#launch").evaluate("form => { form.noValidate = true }")
    await page.get_by_role("button", name="Launch", exact=True).click()
    await expect(page.locator(".at-fault", has_text="epochs")).to_contain_text("at most 10")
    await look_at(page, "launch-refused")


async def test_a_launch_is_launched_again_with_what_the_form_does_not_show(
    page: Page, lab: Lab, tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("overrides: {files: {settings.json: {lr: 0.1}}, env: {A: '1'}}\n")
    lab.run("launch", "-q", "train", "-j", "fit", "-c", str(spec), "--name", "first",
            "-v", "aws_instance=ml.p3.2xlarge")  # fmt: skip
    first = lab.of_entity("GET", "/item?ref=first")["item"]
    await page.goto(lab.at(f"/launch?again={first['id']}"))
    await expect(page.get_by_label("aws_instance", exact=True)).to_have_value("ml.p3.2xlarge")
    await expect(page.get_by_text("Kept as it was: files.")).to_be_visible()
    await page.get_by_label("Environment", exact=True).fill("A=2")
    await page.get_by_label("Name", exact=True).fill("second")
    await page.get_by_role("button", name="Launch", exact=True).click()
    await page.wait_for_url("**/launches/*")
    second = lab.of_entity("GET", "/item?ref=second")["item"]["spec"]
    assert second["overrides"]["files"] == {"settings.json": {"lr": 0.1}}
    assert second["overrides"]["env"] == {"A": "2"}
    assert second["template_variables"] == {"aws_instance": "ml.p3.2xlarge"}
    assert second["job"] == "fit:v0"


async def test_a_viewer_sees_jobs_and_cannot_launch_them(
    stranger: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("403")
    await lab.sign_in(stranger, "viewer")
    await stranger.goto(lab.at("/jobs"))
    await expect(stranger.get_by_role("row", name="fit")).to_be_visible()
    await expect(stranger.get_by_role("link", name="Launch", exact=True)).to_have_count(0)
    await look_at(stranger, "jobs")
    await stranger.goto(lab.at("/launch"))
    await expect(stranger.get_by_role("alert")).to_contain_text("vic has the role viewer")


async def test_a_job_shows_its_versions_and_what_may_be_put_into_it(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/jobs/fit"))
    await expect(page.get_by_role("region", name="Version 0")).to_contain_text("python train.py")
    await expect(page.get_by_role("region", name="Versions")).to_contain_text("latest")
    await look_at(page, "job")
