"""Whatever a browser sends, as an address, a header, a cookie or a form, and whatever is kept, no
page is a fault of the server.

`LAUNCHKIT_FUZZ=100000` sends so many requests of each kind; without it there are few.
"""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from urllib.parse import quote, urlencode

import httpx
import pytest
from fuzzing.altered import chance_of
from fuzzing.texts import texts
from launchkit_server.door import Door

from .browsing import Browser
from .conftest import Served, served_with
from .over_http import RECIPE, claimed, client_in, launched

MANY = int(os.environ.get("LAUNCHKIT_FUZZ", "25"))
LONGEST_ADDRESS = 3000
PAGES = (
    *("/", "/sign-in", "/sign-in/oidc", "/sign-in/oidc/done", "/settings", "/settings/users"),
    *("/settings/roles", "/settings/tokens", "/settings/webhooks", "/settings/audit", "/e/e"),
    *("/e/e/queues", "/e/e/queues/q", "/e/e/queues/q/edit", "/e/e/new-queue", "/e/e/launch"),
    *("/e/e/launches", "/e/e/events", "/e/e/agents", "/e/e/jobs", "/e/e/jobs/j", "/e/e/stream"),
    *("/e/e/runs/{id}", "/e/e/runs/{id}/log", "/e/e/runs/{id}/log/search", "/static/app.js"),
    *("/e/e/runs/{id}/log/file", "/e/e/queues/kinds/noop/schema", "/api/v1/entities/e/items"),
    *("/api/v1/entities/e/events/stream", "/api/v1/entities/e/log/stream"),
)
FORMS = (
    *("/sign-in", "/settings/users", "/settings/roles", "/settings/tokens", "/settings/webhooks"),
    *("/e/e/launch", "/e/e/launch/preview", "/e/e/new-queue", "/e/e/queues/check"),
    *("/e/e/queues/q/edit", "/e/e/queues/q/pause", "/e/e/queues/q/resume", "/e/e/launches/changes"),
    *(
        "/e/e/queues/none/delete",
        "/e/e/agents/box",
        "/e/e/runs/{id}/hold",
        "/e/e/runs/{id}/release",
    ),
    *("/e/e/runs/none/stop", "/e/e/runs/{id}/again"),
)
FIELDS: Mapping[str, Sequence[str]] = {
    "act": ("launch", "add", "create", "delete", "save", "kind", "test", "revoke", "roll", "fill"),
    "kind": ("job", "git", "image", "agent", "person"),
    "do": ("add", "remove", "create", "revoke", "change", "test", "drain", "stop", "grant"),
    "queue": ("q",),
    "job": ("j", "j:v0", "j:latest"),
    "image": ("busybox",),
    "uri": ("https://git.example/x.git",),
    "name": ("n", "q", "ann"),
    "resource": ("noop", "local-process"),
    "config": ("a: 1", '{"a": "{{x}}"}', "lr: 0.2"),
    "syntax": ("yaml", "json"),
    "env": ("A=1\nHOME",),
    "args": ("--fast 'two words'",),
    "entry_point": ("python x.py",),
    "max_concurrent": ("3",),
    "timeout_run": ("60",),
    "var:x": ("1",),
    "id": ("{id}", "none"),
    "role": ("operator", "admin"),
    "owner": ("bob",),
    "entity": ("e", "*"),
    "url": ("https://hooks.example/x",),
    "events": ("launch.ended", "*"),
    "for": ("person", "agent"),
    "days": ("3",),
    "seconds": ("60",),
    "version": ("1", "v0", "*"),
    "verb": ("stop", "hold", "move", "set_priority"),
    "level": ("high",),
    **dict.fromkeys(("reason", "again", "key", "next", "view", "agent", "queues", "ref"), ("x",)),
    **dict.fromkeys(("all", "force", "sure", "prioritization"), ("1",)),
    **dict.fromkeys(("before", "since", "offset", "attempt", "at", "line", "item"), ("0", "1")),
    **dict.fromkeys(("state", "code", "error", "nonce", "author", "project", "q", "text"), ("x",)),
}
HEADERS = (
    "Host",
    *("Origin", "Referer", "HX-Current-URL", "HX-Request", "HX-Target", "Last-Event-ID", "Accept"),
    *("If-None-Match", "Range", "Accept-Encoding", "X-Request-Id", "Cookie", "Content-Type"),
    *("Launchkit-Protocol", "X-CSRF-Token", "Sec-Fetch-Site", "X-Forwarded-For", "Authorization"),
    *("X-Forwarded-Proto", "Forwarded", "Accept-Language", "Idempotency-Key", "If-Match"),
)
ADDRESSES = ("http://[", "https://[::1", "//x", "http://h:port/", "/\\x", "javascript:x", "\udcff")
COOKIES = ("launchkit_session=", "launchkit_oidc=", "launchkit_key=", "launchkit_once=")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that lets nobody wait, with a queue, a job, and a launch that has printed."""
    with served_with(Door(), tmp_path_factory.mktemp("served")) as served:
        with client_in(served, "e") as client:
            client.post("/jobs/j", json={"recipe": RECIPE})
            launched(client)
            held = claimed(client)
            held.says(0, b"a line\n\xff\x1b[31m\0\n")
        assert served.portal is not None
        served.portal.call(served.service.hand_back)
        yield served


@pytest.fixture
def item(served: Served) -> str:
    with client_in(served, "e") as client:
        found: str = client.get("/items").json()[0]["item"]["id"]
        return found


@pytest.fixture
def browser(served: Served) -> Iterator[Browser]:
    with Browser(served) as browser:
        browser.sign_in()
        yield browser


def fields_of(chance: Random, text: str, item: str) -> list[tuple[str, str]]:
    """Some fields, sound ones and odd ones, some of them twice, or with the text for a name."""
    names = chance.choices([*FIELDS], k=chance.randrange(1, 9))
    fields = []
    for name in names:
        sound = chance.choice(FIELDS[name]).replace("{id}", item)
        value = chance.choice((sound, sound, text, f"{sound}{text}", chance.choice(ADDRESSES)))
        fields.append((name, value))
    return [*fields, (text[:40], text[:40])] if chance.random() < 0.1 else fields


def headers_of(chance: Random, text: str) -> list[tuple[bytes, bytes]]:
    """Some headers; those are left out that no client can send."""
    said = chance.choice((text[:2000], chance.choice(ADDRESSES), f"{chance.choice(COOKIES)}{text}"))
    raw = said.encode(errors="replace").translate(None, bytes([*range(0x20), 0x7F]))[:4000]
    names = chance.sample(HEADERS, k=chance.randrange(3))
    return [(name.encode(), raw.strip()) for name in names]


def asked(browser: Browser, chance: Random, path: str, **sent: object) -> None:
    """The answer to a request, which is no fault; streams end, for nobody may wait."""
    try:
        with browser.client.stream(sent.pop("method"), path, **sent) as answer:  # type: ignore[arg-type]
            answer.read()
    except httpx.InvalidURL:
        return
    nobody_waits = answer.status_code == 503 and "stream" in path
    assert answer.status_code < 500 or nobody_waits, (path, sent, answer.text)


@pytest.mark.parametrize("kind", ["addresses", "headers", "forms"])
def test_no_request_of_a_browser_is_a_fault(browser: Browser, item: str, kind: str) -> None:
    csrf = browser.csrf()
    for text in itertools.islice(texts(len(kind), ADDRESSES), MANY):
        chance = chance_of(text)
        fields = fields_of(chance, text, item)
        headers = headers_of(chance, text) if kind == "headers" else []
        if kind == "forms":
            path = chance.choice(FORMS).replace("{id}", item)
            form = urlencode([("csrf", csrf), *fields], errors="replace").encode()
            kind_of = (b"content-type", b"application/x-www-form-urlencoded")
            asked(browser, chance, path, method="POST", content=form, headers=[kind_of])
            continue
        method = "POST" if headers and chance.random() < 0.3 else "GET"
        path = chance.choice(FORMS if method == "POST" else PAGES).replace("{id}", item)
        if chance.random() < 0.2:
            path = path.rpartition("/")[0] + "/" + quote(text[:500], safe="", errors="replace")
        query = urlencode(fields, errors="replace")[:LONGEST_ADDRESS]
        asked(browser, chance, f"{path}?{query}", method=method, headers=headers)
