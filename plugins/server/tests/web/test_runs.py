"""A launch on its page, as people watch it: live to its end, with its log."""

import re
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
import pytest
from playwright.async_api import BrowserContext, Page, expect

from .browsers import WIDE, Watched
from .lab import Lab
from .screens import look_at

SCRIPT = """
import pathlib, sys, time
for n in range(int(sys.argv[3])):
    print(f"\\x1b[32mepoch {n}\\x1b[0m <b>loss</b>", flush=True)
    if n % 100 == 0:
        time.sleep(float(sys.argv[4]))
print("\\x1b[31mred begins\\nred goes on\\x1b[0m\\n" + 500 * "wide " + "far end", flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.05)
print("the last word", flush=True)
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture(scope="module", autouse=True)
def agent(lab: Lab) -> Iterator[None]:
    """An agent of a queue `train`, and a job `fit`."""
    code = lab.folder / "code"
    code.mkdir()
    (code / "train.py").write_text(SCRIPT)
    lab.run("job", "create", "code", str(code), "-n", "fit", "-E", "python train.py")
    lab.of_entity("POST", "/queues", {"name": "train", "resource": "local-process"})
    with lab.process("agent", "-q", "train"):
        yield


def launched(
    lab: Lab, name: str, exit_code: int = 0, lines: int = 400, pause: float = 0.0
) -> tuple[str, Path]:
    """The id of a launch, and the file for which its run waits. It pauses after each 100 lines."""
    go = lab.folder / f"go-{name}"
    recipe = lab.of_entity("GET", "/job?reference=fit")["recipe"]
    recipe["entry_point"] += [str(go), str(exit_code), str(lines), str(pause)]
    body = {"spec": {"recipe": recipe, "name": name}}
    return lab.of_entity("POST", "/queues/train/launches", body)["id"], go


async def test_a_run_is_watched_live_to_its_end(page: Page, lab: Lab) -> None:
    item, go = launched(lab, "watched")
    await page.goto(lab.at(f"/launches/{item}"))
    lines = page.get_by_role("region", name="Lines of the log")
    await expect(lines.get_by_text("epoch 399")).to_be_visible()
    await expect(lines.locator(".sgr-fore-2").first).to_be_visible()
    await expect(lines.get_by_text("<b>loss</b>").first).to_be_visible()
    await expect(page.locator("#run .badge", has_text="running")).to_be_visible()
    await expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    await look_at(page, "run-running")
    go.touch()
    await expect(lines.get_by_text("the last word")).to_be_visible()
    await expect(page.locator("#run .badge", has_text="finished")).to_be_visible()
    await expect(page.get_by_role("button", name="Repeat as it was")).to_be_visible()


async def test_colours_go_on_over_lines_and_wide_lines_are_broken_if_wished(
    page: Page, lab: Lab
) -> None:
    item, go = launched(lab, "wide", lines=5)
    go.touch()
    await page.goto(lab.at(f"/launches/{item}"))
    lines = page.get_by_role("region", name="Lines of the log")
    await expect(lines.locator(".sgr-fore-1", has_text="red goes on")).to_be_visible()
    await expect(lines.get_by_text("the last word")).to_be_visible()
    tall = await lines.evaluate("one => one.scrollHeight")
    await page.get_by_role("button", name="Wrap", exact=True).click()
    for _ in range(2):
        wrap = page.get_by_role("button", name="Wrap", exact=True)
        await expect(wrap).to_have_attribute("aria-pressed", "true")
        await expect(lines.get_by_text("the last word")).to_be_visible()
        await lines.scroll_into_view_if_needed()
        await expect(lines.get_by_text("the last word")).to_be_in_viewport()
        assert await lines.evaluate("one => one.scrollWidth <= one.clientWidth")
        assert await lines.evaluate("one => one.scrollHeight") > tall
        text = lines.locator(".log-text", has_text="far end")
        assert await text.evaluate("one => one.scrollHeight <= one.clientHeight"), "text is cut off"
        await look_at(page, "run-wrapped")
        await page.reload()


async def test_more_than_a_page_keeps_is_followed_to_its_end_by_a_slow_browser(
    page: Page, lab: Lab
) -> None:
    browser = await page.context.new_cdp_session(page)
    await browser.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    item, go = launched(lab, "long", lines=50_000, pause=0.01)
    go.touch()
    await page.goto(lab.at(f"/launches/{item}"))
    lines = page.get_by_role("region", name="Lines of the log")
    follow = page.get_by_role("button", name="Follow")
    await expect(follow).to_have_attribute("aria-pressed", "true")
    left = page.locator("[data-log-follow][aria-pressed=false]")
    await expect(lines.get_by_text("the last word").or_(left)).to_be_visible()
    await expect(left).to_have_count(0)
    await lines.scroll_into_view_if_needed()
    await expect(lines.get_by_text("the last word")).to_be_in_viewport()
    await browser.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    await page.get_by_role("button", name="Start", exact=True).click()
    await expect(lines.get_by_text("epoch 0 ")).to_be_visible()


async def test_following_ends_by_the_hand_of_who_looks_and_by_nothing_else(
    page: Page, lab: Lab
) -> None:
    item, go = launched(lab, "followed")
    await page.goto(lab.at(f"/launches/{item}"))
    lines = page.get_by_role("region", name="Lines of the log")
    follow = page.get_by_role("button", name="Follow")
    last = lines.get_by_text("red goes on")
    await expect(last).to_be_visible()
    await lines.scroll_into_view_if_needed()
    await expect(last).to_be_in_viewport()
    await lines.evaluate(
        "place => new Promise(moved => {"
        " place.addEventListener('scroll', moved, {once: true}); place.scrollTop -= 2000 })"
    )
    await expect(last).to_be_in_viewport()
    await page.set_viewport_size({"width": WIDE, "height": 500})
    await lines.scroll_into_view_if_needed()
    await expect(last).to_be_in_viewport()
    await expect(follow).to_have_attribute("aria-pressed", "true")
    await lines.hover()
    for leave in (
        lambda: page.mouse.wheel(0, -900),
        lambda: lines.press("PageUp"),
        lambda: lines.press("Home"),
    ):
        await leave()
        await expect(follow).to_have_attribute("aria-pressed", "false")
        await expect(last).not_to_be_in_viewport()
        await follow.click()
        await expect(last).to_be_in_viewport()
        await lines.hover()
    await page.mouse.wheel(0, -900)
    await expect(last).not_to_be_in_viewport()
    size = await page.locator("[data-log]").get_attribute("data-shown")
    go.touch()
    await expect(page.locator("#run .badge", has_text="finished")).to_be_visible()
    await expect(last).not_to_be_in_viewport()
    await page.get_by_role("button", name="End", exact=True).click()
    await expect(lines.get_by_text("the last word")).to_be_in_viewport()
    assert await page.locator("[data-log]").get_attribute("data-shown") != size


async def test_how_a_run_failed_is_told_with_its_evidence(page: Page, lab: Lab) -> None:
    item, go = launched(lab, "failing", exit_code=3)
    go.touch()
    await page.goto(lab.at(f"/launches/{item}"))
    await expect(page.get_by_text("user_exit")).to_be_visible()
    await expect(page.get_by_label("Evidence")).to_contain_text("the last word")
    await look_at(page, "run-failed")
    for tab in ("Request", "History"):
        await page.get_by_role("link", name=tab).click()
        await expect(page.get_by_role("link", name=tab)).to_have_attribute("aria-current", "page")
        await look_at(page, f"run-{tab.lower()}")


async def test_a_log_is_searched_linked_to_and_at_last_removed(
    page: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("404")  # of what retention has removed
    item, go = launched(lab, "searched")
    go.touch()
    await page.goto(lab.at(f"/launches/{item}"))
    lines = page.get_by_role("region", name="Lines of the log")
    await expect(lines.get_by_text("the last word")).to_be_visible()
    search = page.get_by_label("Search the whole log")
    await search.fill("EPOCH 17")
    await search.press("Enter")
    await expect(page.get_by_text("1 of 11")).to_be_visible()
    await expect(lines.locator("mark", has_text="epoch 17").first).to_be_visible()
    await page.get_by_role("button", name="Next match").click()
    await expect(page.get_by_text("2 of 11")).to_be_visible()
    link = lines.locator(".log-chosen .log-number")
    await link.click()
    await expect(page).to_have_url(re.compile("#at=[0-9]+$"))
    await page.goto("about:blank")
    await page.go_back()
    await expect(lines.locator(".log-chosen")).to_contain_text("epoch 170")
    await expect(page.locator("#run .badge", has_text="finished")).to_be_visible()
    database = f"sqlite:///{lab.folder}/data/launchkit.db"
    await anyio.to_thread.run_sync(
        lambda: lab.run("store", "prune", "--keep", "0", "--backend", database)
    )
    await search.fill("epoch 18")
    await search.press("Enter")
    await expect(page.get_by_text("This log is gone")).to_be_visible()
    gone = await page.reload()
    assert gone is not None
    assert gone.status == 404
    await expect(page.get_by_text("removed by retention")).to_be_visible()
    await look_at(page, "run-gone")


async def test_a_run_is_stopped_by_its_button(page: Page, lab: Lab) -> None:
    item, _ = launched(lab, "stopped")
    await page.goto(lab.at(f"/launches/{item}"))
    await page.locator("summary", has_text="Stop").click()
    await page.get_by_label("Why (for the record)").fill("enough")
    await page.get_by_role("button", name="Stop it").click()
    await expect(page.locator("#run .badge", has_text="stopped")).to_be_visible()


async def test_who_may_not_change_a_run_has_no_button_for_it(
    context: BrowserContext, lab: Lab, watch: Watched
) -> None:
    item, _ = launched(lab, "looked-at")
    page = await context.new_page()
    await lab.sign_in(page, "viewer")
    await page.goto(lab.at(f"/launches/{item}"))
    await expect(page.get_by_role("heading", name="looked-at")).to_be_visible()
    await expect(page.locator("summary", has_text="Stop")).to_have_count(0)
    refused = await page.request.post(lab.at(f"/launches/{item}/stop"))
    assert refused.status == 403
    lab.of_entity("POST", f"/items/{item}/changes", {"kind": "stop"})


async def test_the_stream_resumes_after_the_service_was_started_again(
    tmp_path_factory: pytest.TempPathFactory, context: BrowserContext, watch: Watched
) -> None:
    watch.allow("ERR_")  # the browser tells of what it could not reach
    lab = Lab(tmp_path_factory.mktemp("restarted"))
    with lab.server():
        lab.of_entity("POST", "/queues", {"name": "train", "resource": "local-process"})
        recipe = {"source": {"kind": "image", "image": "x"}}
        item = lab.of_entity("POST", "/queues/train/launches", {"spec": {"recipe": recipe}})
        page = await context.new_page()
        await lab.sign_in(page, "operator")
        await page.goto(lab.at(f"/launches/{item['id']}"))
        await expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("Stale since"))).to_be_visible()
    await look_at(page, "run-stale")
    with lab.server():
        await expect(page.get_by_role("button", name="Live", exact=True)).to_be_visible()
        lab.of_entity("POST", f"/items/{item['id']}/changes", {"kind": "hold", "reason": "later"})
        await expect(page.locator("#run .badge", has_text="held")).to_be_visible()


async def test_tabs_share_one_stream(context: BrowserContext, page: Page, lab: Lab) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    item, go = launched(lab, "shared")
    pages = [page, *[await context.new_page() for _ in range(7)]]
    for one in pages:
        await one.goto(lab.at(f"/launches/{item}"))
        await expect(one.get_by_role("button", name="Live", exact=True)).to_be_visible()
    go.touch()
    for one in pages:
        await expect(one.locator("#run .badge", has_text="finished")).to_be_visible()
    assert not [url for url in asked if url.startswith(lab.at("/stream"))], (
        "a tab has a stream of its own"
    )
