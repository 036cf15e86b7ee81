"""Whatever others wrote is text in the browser: nothing of it runs, becomes an element, or leads
anywhere. Each field that others fill has a word of its own, which must be seen.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .browsers import Watched
from .lab import ENTITY, Lab

RUNS = "alert(document.cookie)"
QUEUE = "hostile"
FOUND = """() => [
  ...[...document.querySelectorAll('[data-hostile], [onerror], [onload], iframe, object, embed')],
  ...[...document.querySelectorAll('*')].filter(one =>
    ['href', 'src', 'action', 'formaction', 'xlink:href', 'hx-get', 'hx-post'].some(name =>
      /^\\s*(javascript|vbscript|data):/i.test(one.getAttribute(name) ?? ''))),
].map(one => one.outerHTML)"""
"""The elements that are made of a hostile text, or lead to a script."""
SHOWN = """() => [document.body.textContent,
  ...[...document.querySelectorAll('input, textarea, select')].map(one => one.value),
  ...[...document.querySelectorAll('[title]')].map(one => one.title)].join('\\n')"""


def markup(word: str) -> str:
    """A text that would leave its attribute, element or script."""
    inner = f"</script></textarea><i data-hostile><img src=x onerror={RUNS}>"
    return f"{word}\"'>{inner}<script>{RUNS}</script>"


def address(word: str) -> str:
    """A text that would run if it was followed."""
    return f"javascript:{RUNS}//{word}"


def document(word: str) -> str:
    """A text that would be a page if it was followed."""
    return f"data:text/html,<script>{RUNS}</script>{word}"


SPEC: dict[str, Any] = {
    "name": QUEUE,
    "resource": "local-process",
    "config": {
        "env": {"KEY": markup("config-value"), "SIZE": "{{size}}", "FREE": "{{free}}"},
        "setup": [address("config-setup")],
    },
    "variables": {
        "size": {
            "type": "string",
            "enum": [markup("choice"), address("choice-address")],
            "description": markup("description"),
        },
        "free": {"type": "string", "default": document("default")},
    },
}
RECIPE: dict[str, Any] = {
    "source": {"kind": "image", "image": "x"},
    "entry_point": [markup("entry-point"), address("entry-address")],
    "args": [markup("argument")],
    "env": {"KEY": markup("environment")},
    "config": {markup("run-key"): document("run-value")},
}
LAUNCH: dict[str, Any] = {
    "recipe": RECIPE,
    "name": markup("launch-name"),
    "project": markup("project"),
    "template_variables": {"size": address("choice-address")},
}
OUTPUTS = {"link": address("output-address"), "page": document("output-page")}
LOG = (
    f"\x1b]8;;javascript:{RUNS}\x07log-link\x1b]8;;\x07 {markup('log-line')}\n"
    f"\x1b[31m{address('log-address')}\x1b[0m\n"
)
STATUS: dict[str, Any] = {
    "name": "box",
    "host": markup("agent-host"),
    "pid": 1,
    "version": markup("agent-version"),
    "entity": ENTITY,
    "queues": [QUEUE],
    "max_jobs": 1,
    "started_at": 1.0,
    "doing": markup("agent-doing"),
    "unable": {"local-process": markup("agent-unable")},
}
REGISTRATION = {"status": STATUS, "session": "s"}
SEEN: Sequence[str] = (
    *("config-value", "config-setup", "choice", "choice-address", "description", "default"),
    *("entry-point", "entry-address", "argument", "environment", "run-key", "run-value"),
    *("launch-name", "project", "output-address", "output-page"),
    *("log-link", "log-line", "log-address", "message", "warning"),
    *("agent-host", "agent-version", "agent-doing", "agent-unable", "agent-reason"),
    *("queue-reason", "webhook-address", "git-address"),
)
"""The words of all fields."""


@pytest.fixture(scope="module")
def item(lab: Lab) -> Iterator[str]:
    """A launch of a queue, each field of which is hostile; and what else others write."""
    lab.of_entity("POST", "/queues", SPEC)
    lab.of_entity("POST", "/jobs/fit", {"recipe": RECIPE})
    git = {
        "kind": "git",
        "remote": f"https://git.example/git-address\"'><img/src=x/onerror={RUNS}>",
        "commit": "a" * 40,
    }
    lab.of_entity("POST", "/jobs/code", {"recipe": {"source": git}})
    launch = {"spec": LAUNCH}
    item: str = lab.of_entity("POST", f"/queues/{QUEUE}/launches", launch)["id"]
    lab.of_entity("POST", "/agent/register", REGISTRATION)
    capacity = {"agent": "box", "site": "s", "resources": ["local-process"]}
    wanted = {"queue": QUEUE, "capacity": capacity, "claim_id": "c", "session": "s"}
    token = lab.of_entity("POST", "/agent/claims", wanted)["claim"]["token"]
    with lab.client() as client:
        put = client.put(
            f"/agent/items/{item}/log", params={"token": token, "offset": 0}, content=LOG.encode()
        )
        assert put.is_success, put.text
    secret = lab.of_entity("POST", f"/agent/items/{item}/run-token", {"token": token})["secret"]
    lab.call("PATCH", f"/entities/{ENTITY}/runs/{item}/outputs", OUTPUTS, token=secret)
    report = {"state": "failed", "message": markup("message"), "warnings": [markup("warning")]}
    lab.of_entity("POST", f"/agent/items/{item}/reports", {"token": token, "report": report})
    pause = {"kind": "pause", "reason": markup("agent-reason")}
    lab.of_entity("POST", "/agents/box/changes", pause)
    paused = {"reason": markup("queue-reason"), "by": "ana", "at": 1.0}
    lab.of_entity("PUT", f"/queues/{QUEUE}", {"spec": SPEC, "pause": paused})
    url = f"https://hooks.example/webhook-address\"'><img/src=x/onerror={RUNS}><i/data-hostile>"
    lab.of_entity("POST", "/webhooks", {"name": "w", "url": url, "events": ["queue.paused"]})
    return item


def pages(item: str) -> Sequence[str]:
    """Where what others wrote is shown."""
    queue, launch = f"/queues/{QUEUE}", f"/launches/{item}"
    of_entity = (
        *("", "/queues", queue, f"{queue}?tab=config", f"{queue}?tab=finished", f"{queue}/edit"),
        *("/launches", launch, f"{launch}?tab=request", f"{launch}?tab=history", "/events"),
        *(
            "/jobs",
            "/jobs/fit",
            "/jobs/code",
            "/agents",
            f"/launch?queue={QUEUE}",
            f"/launch?again={item}",
        ),
    )
    return (*(f"/e/{ENTITY}{path}" for path in of_entity), "/settings/webhooks", "/settings/audit")


@pytest.fixture
async def asked(page: Page) -> Sequence[str]:
    """What dialogs of the browser say, which no page of ours opens."""
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    return said


async def test_what_others_wrote_is_text_on_each_page_and_runs_nowhere(
    page: Page, lab: Lab, item: str, asked: Sequence[str]
) -> None:
    shown = ""
    for path in pages(item):
        if path.endswith("/agents"):  # of one that is not heard of, it is not told what it does
            lab.of_entity("POST", "/agent/register", REGISTRATION)
        await page.goto(lab.url + path)
        if path.endswith(f"/launches/{item}"):
            await expect(page.get_by_text("log-address").first).to_be_visible()
        assert await page.evaluate(FOUND) == [], path
        shown += await page.evaluate(SHOWN)
    assert [word for word in SEEN if word not in shown] == []
    assert asked == []


async def test_a_page_that_took_such_text_for_markup_would_be_seen(
    stranger: Page, watch: Watched
) -> None:
    watch.allow("")
    await stranger.set_content(f"<a title='{markup('x')}'>x</a><a href='{address('y')}'>y</a>")
    found = await stranger.evaluate(FOUND)
    assert {one.partition(" ")[0] for one in found} == {"<i", "<img", "<a"}
