"""Queues, as people make them and look at them: the overview, the form, and the page of one."""

from playwright.async_api import Browser, Page, expect

from .browsers import NARROW, Watched, watched
from .lab import Lab
from .screens import editor, look_at

CONFIG = """\
env:
  INSTANCE: "{{aws_instance}}"
nice: "{{nice}}"
"""


async def _write(page: Page, text: str) -> None:
    """Replace what stands in the editor."""
    config = editor(page, "Configuration")
    await config.click()
    await config.press("ControlOrMeta+a")
    await page.keyboard.insert_text(text)


def _launch(lab: Lab, queue: str, name: str, **more: object) -> None:
    recipe = {"source": {"kind": "image", "image": "busybox"}}
    body = {"spec": {"recipe": recipe, "name": name, **more}}
    lab.of_entity("POST", f"/queues/{queue}/launches", body)


async def test_a_queue_with_a_template_is_made_by_mouse(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/queues"))
    await look_at(page, "queues-empty")
    await page.get_by_role("link", name="Create queue").click()
    await page.get_by_role("textbox", name="Queue", exact=True).fill("sagemaker-like")
    await page.get_by_label("Prioritization").check()
    await _write(page, CONFIG)
    await page.get_by_role("button", name="Parse configuration").click()
    tile = page.get_by_role("group", name="{{aws_instance}}")
    await tile.get_by_label("Type").select_option(label="String")
    await tile.get_by_label("Allowed values").fill("ml.m4.xlarge\nml.p3.xlarge")
    nice = page.get_by_role("group", name="{{nice}}")
    await nice.get_by_label("Type").select_option(label="Integer")
    await expect(nice.get_by_label("Pattern")).to_be_hidden()
    await nice.get_by_label("Default").fill("5")
    await nice.get_by_label("Max").fill("19")
    await nice.get_by_label("Max").blur()
    preview = page.get_by_role("region", name="What a launch may set")
    options = preview.get_by_label("aws_instance").get_by_role("option")
    await expect(options).to_have_text(["Choose…", "ml.m4.xlarge", "ml.p3.xlarge"])
    await expect(preview.get_by_label("nice")).to_have_value("5")
    await look_at(page, "create-queue")
    await page.get_by_role("button", name="Create queue").click()
    await expect(page.get_by_role("heading", name="sagemaker-like")).to_be_visible()
    await page.get_by_role("link", name="Config", exact=True).click()
    overrides = page.get_by_role("region", name="Launch-time overrides")
    await expect(overrides.get_by_role("row", name="aws_instance")).to_contain_text("ml.p3.xlarge")
    await look_at(page, "queue-config")
    await page.get_by_role("link", name="Launch", exact=True).click()
    offered = page.get_by_label("aws_instance").get_by_role("option")
    await expect(offered).to_have_text(["Choose…", "ml.m4.xlarge", "ml.p3.xlarge"])


async def test_enter_in_a_field_makes_the_queue_whose_command_stands_below(
    page: Page, lab: Lab
) -> None:
    await page.goto(lab.at("/new-queue"))
    resources = page.get_by_label("Resource", exact=True).get_by_role("option")
    other = await resources.first.inner_text()
    await page.get_by_label("Resource", exact=True).select_option(other)
    await expect(page.locator("#twin")).to_contain_text(other)
    await page.get_by_label("Resource", exact=True).select_option("local-process")
    await expect(page.locator("#twin")).to_contain_text("local-process")
    await page.get_by_role("textbox", name="Queue", exact=True).fill("by-enter")
    await expect(page.locator("#twin")).to_contain_text("name: by-enter")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="by-enter")).to_be_visible()


async def test_what_somebody_does_as_soon_as_a_form_has_come_is_heard(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/new-queue"))
    await page.evaluate(
        """() => document.addEventListener("htmx:afterSwap", () => setTimeout(() => {
             const resource = document.querySelector("#resource");
             resource.value = "kubernetes";
             resource.dispatchEvent(new Event("change", { bubbles: true }));
           }), { once: true })"""
    )
    await page.get_by_label("Resource", exact=True).select_option("sagemaker")
    await expect(page.locator("#twin")).to_contain_text("kubernetes")


async def test_who_comes_back_to_a_form_finds_what_was_written(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/queues"))
    await page.get_by_role("link", name="Create queue").click()
    name = page.get_by_role("textbox", name="Queue", exact=True)
    await name.fill("kept")
    await _write(page, CONFIG)
    await page.get_by_role("button", name="Parse configuration").click()
    tile = page.get_by_role("group", name="{{aws_instance}}")
    await tile.get_by_label("Allowed values").fill("ml.m4.xlarge\nml.p3.xlarge")
    await page.get_by_role("link", name="Jobs").click()
    await expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    await page.go_back()
    await expect(tile.get_by_label("Allowed values")).to_have_value("ml.m4.xlarge\nml.p3.xlarge")
    await expect(name).to_have_value("kept")
    await expect(editor(page, "Configuration")).to_contain_text("{{aws_instance}}")
    await page.reload()
    await expect(tile.get_by_label("Allowed values")).to_have_value("ml.m4.xlarge\nml.p3.xlarge")
    await page.get_by_role("button", name="Create queue").click()
    await expect(page.get_by_role("heading", name="kept")).to_be_visible()
    await expect(page.locator(".empty")).to_contain_text("--set-var=aws_instance=ml.m4.xlarge")
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Queues").click()
    await expect(page.get_by_role("link", name="kept")).to_be_visible()


async def test_the_search_has_room_on_a_telephone(page: Page, lab: Lab) -> None:
    await page.set_viewport_size({"width": NARROW, "height": 800})
    await page.goto(lab.at("/queues"))
    box = await page.get_by_label("Find launches by name").bounding_box()
    assert box is not None
    assert box["width"] > NARROW / 2


async def test_a_wrong_config_shows_its_fault_at_the_line(page: Page, lab: Lab) -> None:
    await page.goto(lab.at("/new-queue"))
    await _write(page, "env:\n  A: x\nunknown: x\n")
    await expect(page.locator(".cm-lintRange-error")).to_have_text("unknown: x")
    await page.get_by_role("textbox", name="Queue", exact=True).fill("wrong")
    await page.get_by_role("button", name="Parse configuration").click()
    fault = page.get_by_role("alert").and_(page.locator("[data-line]"))
    await expect(fault).to_have_text("Line 3: unknown: unknown key")
    await look_at(page, "create-queue-wrong")


async def test_a_change_is_reviewed_before_it_is_saved(page: Page, lab: Lab) -> None:
    lab.of_entity("POST", "/queues", {"name": "edited", "resource": "local-process"})
    await page.goto(lab.at("/queues/edited"))
    await page.get_by_role("link", name="Edit").click()
    await _write(page, "nice: 7\n")
    await page.get_by_role("button", name="Review changes").click()
    await expect(page.locator(".diff ins")).to_have_text(["+ config:", "+   nice: 7"])
    await look_at(page, "edit-queue")
    await page.get_by_role("button", name="Save config").click()
    await expect(page.get_by_role("region", name="Queue config")).to_contain_text("nice: 7")


async def test_two_browsers_see_what_the_other_does(
    page: Page, lab: Lab, browser: Browser, watch: Watched
) -> None:
    lab.of_entity("POST", "/queues", {"name": "shared", "resource": "local-process"})
    async with watched(browser, watch) as other:
        looking = await other.new_page()
        await lab.sign_in(looking, "viewer")
        await looking.goto(lab.at("/queues/shared"))
        await expect(looking.get_by_text("Live")).to_be_visible()
        await expect(looking.get_by_role("button", name="Pause queue")).to_have_count(0)
        await page.goto(lab.at("/queues/shared"))
        await page.locator("summary", has_text="Pause").click()
        await page.get_by_label("Why").fill("the disks are full")
        await page.get_by_role("button", name="Pause queue").click()
        await expect(looking.get_by_text("the disks are full")).to_be_visible()
        _launch(lab, "shared", "of-ana")
        await expect(looking.get_by_role("link", name="of-ana")).to_be_visible()
        await look_at(looking, "queue-paused")
        await page.get_by_role("button", name="Resume").click()
        await expect(looking.get_by_text("the disks are full")).to_have_count(0)


async def test_the_overview_and_the_tabs_of_a_queue_are_for_all_eyes(page: Page, lab: Lab) -> None:
    lab.of_entity("POST", "/queues", {"name": "seen", "resource": "local-process"})
    for number in range(3):
        _launch(lab, "seen", f"waits-{number}")
    await page.goto(lab.at())
    await expect(page.get_by_text("no agent is online for it").first).to_be_visible()
    await look_at(page, "overview")
    await page.get_by_role("link", name="seen", exact=True).first.click()
    await expect(page.get_by_role("row", name="waits-0")).to_contain_text("no agent is online")
    await look_at(page, "queue-waiting")
    for tab in ("Under way", "Ended", "Charts"):
        await page.get_by_role("link", name=tab).click()
        await expect(page.get_by_role("link", name=tab)).to_have_attribute("aria-current", "page")
        if tab == "Charts":
            await expect(page.locator(".chart canvas")).to_have_count(2)
            _launch(lab, "seen", "one-more")
            await expect(page.get_by_role("link", name="Waiting")).to_contain_text("4")
            await expect(page.locator(".u-legend").first).to_contain_text("Not running yet")
        await look_at(page, f"queue-{tab.lower().replace(' ', '-')}")


PAINTED = """
() => {
  const place = document.querySelector("#wait-chart"), probe = document.createElement("span");
  probe.style.color = "var(--chart-1)";
  place.append(probe);
  const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  const canvas = place.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4)
    if (data[at + 3] === 255 && wanted.every((one, part) => Math.abs(one - data[at + part]) < 8))
      return true;
  return false;
}
"""
"""Whether anything of the colour of its first line stands in the chart of the waits."""
WAITED = f"""
() => {{
  const source = document.querySelector("#wait-data"), told = JSON.parse(source.textContent);
  if (told.series[0].values[3] !== 40) {{
    told.series[0].values[3] = 40;
    source.textContent = JSON.stringify(told);
    document.dispatchEvent(new Event("htmx:afterSettle"));
  }}
  return ({PAINTED})();
}}
"""
"""The same once one wait is among its data, also if the page has fetched them anew meanwhile."""


async def test_a_wait_with_none_beside_it_is_a_point_of_the_chart(page: Page, lab: Lab) -> None:
    lab.of_entity("POST", "/queues", {"name": "drawn", "resource": "local-process"})
    await page.goto(lab.at("/queues/drawn?tab=charts"))
    await expect(page.locator(".chart canvas")).to_have_count(2)
    assert not await page.evaluate(PAINTED)
    await page.wait_for_function(WAITED)
