"""`launchkit events` and `launchkit audit` of a queue in a database."""

import getpass

import pytest
from cli.conftest import Program

from launchkit.store import happened


def test_what_happened_is_listed_newest_first_and_filtered(queue: Program) -> None:
    first, second = (queue.launch("1", "--name", name) for name in ("one", "two"))
    queue("stop", first)
    queue("queue", "pause", "q", "--reason", "new disks")
    found = queue.data("events")
    assert [(one["launch"], one["state"] or one["kind"]) for one in found] == [
        (None, "queue"),
        (first, "stopped"),
        (second, "queued"),
        (first, "queued"),
        (None, "queue"),
    ]
    assert "new disks" in found[0]["cause"]
    assert {one["actor"] for one in found} == {getpass.getuser()}
    states = queue.data("events", "--kind", "state", "--limit", "2")
    assert [one["name"] for one in states] == ["one", "two"]
    assert queue.data("events", "-q", "none") == queue.data("events", "--actor", "nobody") == []
    before = str(states[-1]["id"])
    assert [one["name"] for one in queue.data("events", "--before", before)] == ["one", None]
    assert queue.out("events", "--limit", "1", "-o", "name").strip() == str(found[0]["id"])


def test_a_page_of_events_says_how_to_see_the_next(queue: Program) -> None:
    queue.launch("1")
    page = queue("events", "--limit", "1")
    [shown] = queue.data("events", "--limit", "1")
    assert f"launchkit events --before {shown['id']}" in page.stderr
    assert "--before" not in queue("events").stderr


def test_events_that_a_filter_wants_are_found_however_far_back(
    queue: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(happened, "LOOKED_THROUGH", 1)
    for name in ("old", "new", "newer"):
        queue.launch("1", "--name", name)
    assert [one["kind"] for one in queue.data("events", "--kind", "queue")] == ["queue"]


def test_the_audit_tells_who_changed_people(program: Program) -> None:
    program("user", "add", "zoe", "--role", "viewer")
    what = [one["what"] for one in program.data("audit")]
    assert [text.partition(" ")[0] for text in what] == ["granted", "added"]
    page = program("audit", "--limit", "1")
    [shown] = program.data("audit", "--limit", "1")
    assert f"launchkit audit --before {shown['id']}" in page.stderr
    assert program.data("audit", "--before", str(shown["id"]))[0]["what"] == "added user zoe"


@pytest.mark.parametrize("command", ["events", "audit"])
def test_where_nothing_is_there_nothing_happened(
    program: Program, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv("LAUNCHKIT_BACKEND")
    monkeypatch.setenv("XDG_DATA_HOME", str(program.folder))
    assert program.data(command) == []


def test_a_webhook_is_made_by_the_service_that_has_the_key(queue: Program) -> None:
    made = queue("webhook", "create", "chat", "https://chat.example/1", code=3)
    assert "by the queue service" in made.stderr
    assert queue.data("webhook", "list") == []
    assert "no webhook 'chat'" in queue("webhook", "messages", "chat", code=5).stderr
