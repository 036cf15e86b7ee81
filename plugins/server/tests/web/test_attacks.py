"""Pages of other origins, and other people at the same machine, attack somebody who has signed in:
in a real browser, which follows its own rules.
"""

from collections.abc import Iterator
from urllib.parse import urlencode

import anyio
import pytest
from playwright.async_api import BrowserContext, Page, expect
from playwright.async_api import Route as Asked
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from ..other_site import serving
from .browsers import Watched
from .lab import ENTITY, Lab

FORMS = (
    *("/sign-out", "/settings/users", "/settings/roles", "/settings/tokens", "/settings/webhooks"),
    *(f"/e/{ENTITY}/queues/q/{verb}" for verb in ("edit", "pause", "resume", "delete")),
    *(f"/e/{ENTITY}/launches/{{item}}/{verb}" for verb in ("stop", "hold", "release", "again")),
    *(f"/e/{ENTITY}/{path}" for path in ("launches/changes", "launch", "launch/preview")),
    *(f"/e/{ENTITY}/{path}" for path in ("new-queue", "queues/check", "agents/box")),
    "/sign-in",
)
"""Where our pages send forms."""
POSTED = """([url, referrer]) => {
  const form = Object.assign(document.createElement('form'), {method: 'post', action: url})
  for (const name of ['reason', 'name', 'csrf', 'token'])
    form.append(Object.assign(document.createElement('input'), {name, value: 'evil'}))
  document.head.append(Object.assign(document.createElement('meta'),
    {name: 'referrer', content: referrer}))
  document.body.append(form)
  form.submit()
}"""
"""Sends a form; without a referrer its origin is null."""
FETCHED = """async urls => { for (const url of urls) await fetch(url, {
  method: 'POST', mode: 'no-cors', credentials: 'include',
  body: new URLSearchParams({reason: 'evil', name: 'evil', csrf: 'evil'}) }).catch(() => 0) }"""
NOWHERE_ELSE = (
    *("//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/"),
    *("/\t/evil.example", "/%09/evil.example", "javascript:alert(1)", "data:text/html,x"),
    "/.//evil.example",
)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The address of another origin of the same site, to which cookies are sent along."""

    async def page(_: Request) -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>elsewhere</title>")

    app = Starlette(routes=[Route("/", page)])
    with serving(app) as url:
        yield url


@pytest.fixture(scope="module")
def item(lab: Lab) -> str:
    """A launch that waits in a queue `q`."""
    lab.of_entity("POST", "/queues", {"name": "q", "resource": "local-process"})
    spec = {"recipe": {"source": {"kind": "image", "image": "x"}}, "name": "waits"}
    made: str = lab.of_entity("POST", "/queues/q/launches", {"spec": spec})["id"]
    return made


def state_of(lab: Lab, item: str) -> list[object]:
    """All that a form could change."""
    users = [one["name"] for one in lab.call("GET", "/users")]
    queues = [one["queue"]["version"] for one in lab.of_entity("GET", "/queues")]
    items = [(one["item"]["id"], one["item"]["state"]) for one in lab.of_entity("GET", "/items")]
    tokens = [one["id"] for one in lab.call("GET", "/tokens")]
    return [users, queues, items, tokens, lab.of_entity("GET", "/webhooks")]


async def test_no_page_of_another_origin_sends_a_form_for_one_who_has_signed_in(
    page: Page, lab: Lab, item: str, elsewhere: str, watch: Watched
) -> None:
    watch.allow("")
    before = state_of(lab, item)
    urls = [lab.url + path.format(item=item) for path in FORMS]
    for url in urls:
        for referrer in ("unsafe-url", "no-referrer"):
            await page.goto(elsewhere)
            async with page.expect_navigation(url=url) as going:
                await page.evaluate(POSTED, [url, referrer])
            answer = await going.value
            assert answer is not None
            assert (url, answer.status) == (url, 403)
            assert answer.request.headers["origin"] in {elsewhere, "null"}
    await page.goto(elsewhere)
    await page.evaluate(FETCHED, urls)
    assert state_of(lab, item) == before
    await page.goto(lab.at("/launches"))
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def test_no_page_of_another_origin_has_one_of_ours_in_a_frame(
    page: Page, lab: Lab, item: str, elsewhere: str, watch: Watched
) -> None:
    watch.allow("frame")
    await page.goto(elsewhere)
    async with page.expect_event("requestfailed") as failing:
        await page.set_content(f"<iframe src='{lab.at('/launches')}'></iframe>")
    assert (await failing.value).url == lab.at("/launches")
    assert all(frame.url != lab.at("/launches") for frame in page.frames)


async def test_who_has_signed_out_finds_no_page_by_going_back(
    page: Page, lab: Lab, item: str
) -> None:
    await page.goto(lab.at("/launches"))
    await expect(page.get_by_role("link", name="waits")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(page.get_by_role("link", name="waits")).to_have_count(0)


KEPT = "Object.entries(sessionStorage).filter(([name]) => name.startsWith('draft:')).join()"


async def written_by_operator(page: Page, lab: Lab) -> None:
    """A form with a queue's config that an operator has changed and left."""
    await lab.sign_in(page, "operator")
    await page.goto(lab.at("/new-queue"))
    await page.get_by_role("textbox", name="Queue", exact=True).fill("mine-alone")
    await page.goto(lab.at("/jobs"))


async def test_who_signs_out_leaves_nothing_in_other_tabs(
    context: BrowserContext, stranger: Page, lab: Lab, item: str, watch: Watched
) -> None:
    watch.allow("401", "Failed to fetch")  # what a tab asks before it hears of it
    await written_by_operator(stranger, lab)
    assert "mine-alone" in await stranger.evaluate(KEPT)
    await stranger.goto(lab.at("/queues/q/edit"))
    other = await context.new_page()
    await other.goto(lab.at("/queues"))
    await other.get_by_role("button", name="Sign out").click()
    for page in (other, stranger):
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await stranger.evaluate(KEPT) == ""
    await lab.sign_in(stranger, "viewer")
    await stranger.go_back()
    assert await stranger.evaluate(KEPT) == ""


async def signed_out(page: Page, lab: Lab, watch: Watched) -> None:
    """Sign out in a tab. What tabs ask for at that moment is refused, or is not waited for."""
    watch.allow("401", "Failed to fetch")
    await page.goto(lab.at("/agents"), wait_until="commit")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_who_signs_out_leaves_no_page_that_tells_of_a_fault(
    context: BrowserContext, page: Page, lab: Lab, item: str, watch: Watched
) -> None:
    watch.allow("404")
    other = await context.new_page()
    await other.goto(lab.at("/queues/none"))
    await expect(other.get_by_text("there is no queue")).to_be_visible()
    await signed_out(page, lab, watch)
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("late", ["leaving.js", "app.js"])
async def test_who_signs_out_leaves_no_page_that_is_on_its_way_meanwhile(
    context: BrowserContext, page: Page, lab: Lab, item: str, late: str, watch: Watched
) -> None:
    other, is_out = await context.new_page(), anyio.Event()

    async def hold(asked: Asked) -> None:
        await is_out.wait()
        await asked.continue_()

    await other.route(f"**/{late}*", hold)
    async with other.expect_request(f"**/{late}*"):
        await other.goto(lab.at("/queues/q?tab=config"), wait_until="commit")
    await signed_out(page, lab, watch)
    is_out.set()
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_who_signs_out_before_the_page_has_its_scripts_leaves_no_other_page(
    context: BrowserContext, page: Page, lab: Lab, item: str, watch: Watched
) -> None:
    other = await context.new_page()
    await other.goto(lab.at("/queues/q?tab=config"))
    await page.route("**/app.js*", lambda _: None)
    await signed_out(page, lab, watch)
    await expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_what_was_written_in_a_tab_that_is_elsewhere_is_forgotten_when_it_comes_back(
    context: BrowserContext, stranger: Page, lab: Lab, elsewhere: str, watch: Watched
) -> None:
    watch.allow("favicon")
    await written_by_operator(stranger, lab)
    await stranger.goto(elsewhere)
    other = await context.new_page()
    await signed_out(other, lab, watch)
    await stranger.goto(lab.at("/new-queue"))
    await expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    assert await stranger.evaluate(KEPT) == ""


async def test_no_address_of_a_page_stays_in_a_browser_in_which_somebody_has_signed_out(
    context: BrowserContext, page: Page, lab: Lab, item: str, watch: Watched
) -> None:
    watch.allow("401", "Failed to fetch")  # what a tab asks before it hears of it
    stored = "Object.values({...sessionStorage, ...localStorage}).join()"
    other = await context.new_page()
    for tab in (other, page):
        await tab.goto(lab.at("/launches?name=what-is-looked-for"))
        await expect(tab.get_by_role("button", name="Live", exact=True)).to_be_visible()
        assert "what-is-looked-for" in await tab.evaluate(stored)
    await page.get_by_role("button", name="Sign out").click()
    for tab in (other, page):
        await expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
        assert "what-is-looked-for" not in await tab.evaluate(stored)
    (stamp,) = await context.cookies()
    assert stamp["name"] == "launchkit_left", "it tells that somebody has signed out"


async def test_what_somebody_wrote_is_not_there_for_who_signs_in_after_them(
    context: BrowserContext, stranger: Page, lab: Lab
) -> None:
    """Also if they have not signed out, as where a session was over."""
    await written_by_operator(stranger, lab)
    await context.clear_cookies()
    await stranger.goto(lab.at("/new-queue"))
    await expect(stranger.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "mine-alone" in await stranger.evaluate(KEPT), "it is there for who signs in again"
    await lab.sign_in(stranger, "admin")
    assert await stranger.evaluate(KEPT) == ""
    await stranger.goto(lab.at("/new-queue"))
    await expect(stranger.get_by_role("textbox", name="Queue", exact=True)).to_have_value("")


async def test_a_form_in_which_nothing_was_written_is_not_kept(
    page: Page, lab: Lab, item: str
) -> None:
    await page.goto(lab.at("/queues/q/edit"))
    await page.goto(lab.at("/jobs"))
    assert await page.evaluate(KEPT) == ""


async def test_no_address_to_go_on_to_leads_a_browser_elsewhere(
    context: BrowserContext, page: Page, lab: Lab, watch: Watched
) -> None:
    watch.allow("404")
    left: list[str] = []
    context.on(
        "request",
        lambda sent: None if sent.url.startswith(f"{lab.url}/") else left.append(sent.url),
    )
    for to in NOWHERE_ELSE:
        await page.goto(f"{lab.url}/sign-in?{urlencode({'next': to})}")
        assert page.url.startswith(f"{lab.url}/"), to
    assert left == []
