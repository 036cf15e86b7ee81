"""Who loses the right to write while what they want waits, or is done piece by piece: no more of it
is done.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import launchkit_server
import pytest

from launchkit.store import agent_changes, changes, jobs, queues, submitting, tokens, webhooks

from .losing import Scene, client, nth, person, scene
from .over_http import RECIPE, SPEC, launched

__all__ = ["client", "person", "scene"]

FEW = 6
STATUS = {"token": 401, "account": 401, "role": 403, "rank": 403}
HOOK = {"name": "w", "url": "https://example.com/x", "events": ["launch.failed"]}
CODE = {"kind": "git", "uri": "https://git.example/x.git", "ref": "a" * 40, "entry_point": "run"}
LAUNCH = {"act": "launch", "queue": "q", **CODE}
DRAFT = {"do": "save", "name": "new", "resource": "local-process", "config": "{}"}


@pytest.fixture(params=STATUS)
def lost(request: pytest.FixtureRequest) -> str:
    """What is lost."""
    return str(request.param)


def kept(scene: Scene) -> list[Any]:
    """What is there of what may be written."""
    own = [scene.client.get(path).json() for path in ("/events", "/queues", "/jobs", "/webhooks")]
    everybodys = scene.client.get(f"{scene.served.url}/api/v1/tokens").json()
    return [*own, [one["id"] for one in everybodys if not one["session"]]]


def states(scene: Scene) -> list[str]:
    return [one["item"]["state"] for one in scene.client.get("/items").json()]


@pytest.mark.parametrize("what", ["changes", "requeues"])
def test_of_many_changes_none_is_made_once_the_right_is_lost(
    scene: Scene, what: str, lost: str
) -> None:
    for _ in range(FEW):
        launched(scene.client)
    body: dict[str, Any] = {"filter": {"queue": "q"}, "change": {"kind": "stop"}}
    if what == "requeues":
        assert scene.client.post("/items/changes", json=body).is_success
        del body["change"]
    with scene.own as own, scene.loses(lost, nth(3, changes.Make, changes.Requeue)):
        answer = own.post(f"/items/{what}", json=body)
    assert answer.status_code == STATUS[lost], answer.text
    assert f"; 2 of {FEW} launches were changed before" in answer.json()["detail"]
    assert states(scene).count("queued") == (FEW - 2 if what == "changes" else 2)


def test_of_many_changes_by_a_page_none_is_made_once_the_right_is_lost(
    scene: Scene, lost: str
) -> None:
    for _ in range(FEW):
        launched(scene.client)
    hold = {"filter": {"queue": "q"}, "change": {"kind": "hold", "reason": "r"}}
    assert scene.client.post("/items/changes", json=hold).is_success
    with scene.browser() as browser, scene.loses(lost, nth(3, changes.Make)):
        form = {"csrf": browser.csrf(scene.entity), "verb": "release", "all": "1", "view": ""}
        page = browser.client.post(f"/e/{scene.entity}/launches/changes", data=form)
    assert page.status_code == STATUS[lost]
    assert f"2 of {FEW} launches were changed before" in page.text
    assert states(scene).count("held") == FEW - 2


def test_a_queue_is_emptied_no_further_once_the_right_is_lost(
    scene: Scene, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "ENDED_AT_ONCE", 2)
    for _ in range(FEW):
        launched(scene.client)
    with scene.own as own, scene.loses(lost, nth(2, queues.Delete)):
        answer = own.delete("/queues/q", params={"force": True})
    assert answer.status_code == STATUS[lost], answer.text
    assert "; 2 launches that waited were stopped before" in answer.json()["detail"]
    assert states(scene).count("queued") == FEW - 2


@dataclass(frozen=True)
class Wanted:
    """Something that is written, and how it is asked for."""

    kind: type
    method: str
    path: str
    body: dict[str, Any] | None = None


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(queues.Create, "POST", "/queues", {**SPEC, "name": "new"}),
        Wanted(queues.Update, "PUT", "/queues/q", {"spec": {**SPEC, "max_concurrent": 1}}),
        Wanted(queues.Delete, "DELETE", "/queues/q"),
        Wanted(submitting.Launch, "POST", "/queues/q/launches", {"spec": {"recipe": RECIPE}}),
        Wanted(jobs.Create, "POST", "/jobs/j", {"recipe": RECIPE, "aliases": []}),
        Wanted(agent_changes.Make, "POST", "/agents/box/changes", {"kind": "resume"}),
        Wanted(webhooks.Create, "POST", "/webhooks", HOOK),
        Wanted(tokens.CreateAgentToken, "POST", "/agent-tokens", {"agent": "a", "queues": ["q"]}),
    ],
    ids=lambda wanted: wanted.kind.__module__ + wanted.kind.__name__,
)
def test_what_waited_while_the_right_was_lost_is_not_written(
    scene: Scene, wanted: Wanted, lost: str
) -> None:
    before = kept(scene)
    with scene.own as own, scene.loses(lost, nth(1, wanted.kind)):
        answer = own.request(wanted.method, wanted.path, json=wanted.body)
    assert answer.status_code == STATUS[lost], answer.text
    assert kept(scene) == before


@pytest.mark.parametrize(
    ("kind", "path", "form"),
    [
        (queues.Create, "new-queue", DRAFT),
        (submitting.Launch, "launch", LAUNCH),
    ],
    ids=["queue", "launch"],
)
def test_a_form_that_waited_while_the_right_was_lost_is_not_taken(
    scene: Scene, kind: type, path: str, form: dict[str, str], lost: str
) -> None:
    before = kept(scene)
    with scene.browser() as browser, scene.loses(lost, nth(1, kind)):
        fields = {"csrf": browser.csrf(scene.entity), **form}
        page = browser.client.post(f"/e/{scene.entity}/{path}", data=fields)
    assert page.status_code == STATUS[lost], page.text
    assert "<form" not in page.text
    assert kept(scene) == before


@pytest.mark.parametrize("lost", ["role", "rank"])
def test_a_form_for_another_entity_that_waited_while_the_right_there_was_lost_is_not_taken(
    scene: Scene, lost: str
) -> None:
    before, elsewhere = kept(scene), uuid4().hex
    role = f"{scene.served.url}/api/v1/entities/{elsewhere}/roles/{scene.person.name}"
    assert scene.client.put(role, json={"role": "operator"}).is_success
    with scene.browser() as browser, scene.loses(lost, nth(1, queues.Create)):
        fields = {"csrf": browser.csrf(elsewhere), **DRAFT, "owner": scene.entity}
        page = browser.client.post(f"/e/{elsewhere}/new-queue", data=fields)
    assert page.status_code == STATUS[lost], page.text
    assert kept(scene) == before


def test_nothing_is_written_for_one_who_asks_without_a_look_at_their_right() -> None:
    """Routes reach the database of the service itself to read alone, but where one signs in."""
    assert [*_other_uses()] == ["identity.py: service.database"]


def _other_uses() -> Iterator[str]:
    package = Path(launchkit_server.__file__).parent
    for path in sorted([*package.glob("api/*.py"), *package.glob("web/pages/*.py")]):
        tree = ast.parse(path.read_text())
        read = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in {"read", "topics", "skew"}
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute) or node.attr != "database" or id(node) in read:
                continue
            owner = ast.unparse(node.value)
            if owner not in {"who", "visit", "self", "owner"}:
                yield f"{path.name}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    "path",
    [
        "items",
        "item?ref={id}",
        "items/{id}/log",
        "log?item={id}",
        "events",
        "history",
        "queues",
        "queues/q",
        "jobs",
        "agents",
        "webhooks",
        "roles",
        f"archives/{'a' * 64}/known",
    ],
)
def test_nothing_is_read_for_one_who_has_lost_the_right(scene: Scene, path: str, lost: str) -> None:
    item = launched(scene.client)["id"]
    with scene.own as own, scene.loses(lost, nth(1, object)):
        answer = own.get(f"/{path.format(id=item)}")
    assert answer.status_code == STATUS[lost], answer.text
