"""The whole way in one go: a queue with a template, a launch of a job into it, and its run, live to
its end; by what is on the pages alone.
"""

from playwright.async_api import Page, expect

from .lab import Lab
from .screens import editor

CONFIG = """\
env:
  InstanceType: "{{aws_instance}}"
"""
PROGRAM = """\
import os, pathlib, time
print("trains on", os.environ["InstanceType"], flush=True)
while not pathlib.Path(os.environ["GO"]).exists():
    time.sleep(0.05)
print("the last word", flush=True)
"""


async def test_a_queue_with_a_template_is_made_and_a_launch_of_it_is_watched_to_its_end(
    page: Page, lab: Lab
) -> None:
    code = lab.folder / "code"
    code.mkdir()
    (code / "train.py").write_text(PROGRAM)
    lab.run("job", "create", "code", str(code), "-n", "fit", "-E", "python train.py")
    await page.get_by_role("link", name="Create queue").first.click()
    await page.get_by_role("textbox", name="Queue", exact=True).fill("aws-like")
    await editor(page, "Configuration").click()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.insert_text(CONFIG)
    await page.get_by_role("button", name="Parse configuration").click()
    tile = page.get_by_role("group", name="{{aws_instance}}")
    await tile.get_by_label("Type").select_option(label="String")
    await tile.get_by_label("Allowed values").fill("ml.p3.2xlarge\nml.m4.xlarge")
    await page.get_by_role("button", name="Create queue").click()
    await expect(page.get_by_role("heading", name="aws-like")).to_be_visible()
    with lab.process("agent", "-q", "aws-like"):
        await expect(page.get_by_text("1 agent online")).to_be_visible()
        await page.get_by_role("link", name="Launch", exact=True).click()
        offered = page.get_by_label("aws_instance", exact=True)
        words = ["Choose…", "ml.p3.2xlarge", "ml.m4.xlarge"]
        await expect(offered.get_by_role("option")).to_have_text(words)
        await offered.select_option("ml.m4.xlarge")
        await page.get_by_label("Job", exact=True).fill("fit")
        await page.get_by_text("Overrides").click()
        go = lab.folder / "go"
        await page.get_by_label("Environment", exact=True).fill(f"GO={go}")
        await page.get_by_role("button", name="Launch", exact=True).dblclick()
        await page.wait_for_url("**/launches/*")
        lines = page.get_by_role("region", name="Lines of the log")
        await expect(lines.get_by_text("trains on ml.m4.xlarge")).to_be_visible()
        await expect(page.locator("#run .badge", has_text="running")).to_be_visible()
        go.touch()
        await expect(lines.get_by_text("the last word")).to_be_visible()
        await expect(page.locator("#run .badge", has_text="finished")).to_be_visible()
    assert len(lab.of_entity("GET", "/items")) == 1
