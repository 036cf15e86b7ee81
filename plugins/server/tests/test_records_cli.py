"""`launchkit events`, `audit` and `webhook` of one who has the service's address alone."""

from pathlib import Path

import pytest
from cli.conftest import Program
from cli.test_completion import completed

from .conftest import Served
from .receiver import receiving

URL = "https://chat.example/hooks/1"


@pytest.fixture
def admin(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program, at the service, with the token of an administrator."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHKIT_BACKEND", server.url)
    monkeypatch.setenv("LAUNCHKIT_ENTITY", "test")
    monkeypatch.setenv("LAUNCHKIT_TOKEN", str.__str__(server.tokens["ann"]))
    return Program(tmp_path)


def test_what_happened_and_who_changed_people_is_told_over_http(admin: Program) -> None:
    admin("queue", "create", "q", "-r", "local-process")
    run = admin.launch("1", "--name", "one")
    admin("stop", run)
    states = admin.data("events", "--kind", "state", "--actor", "ann", "-q", "q")
    assert [(one["launch"], one["state"]) for one in states] == [(run, "stopped"), (run, "queued")]
    page = admin.data("events", "--before", str(states[0]["id"]), "--limit", "1")
    assert [one["state"] for one in page] == ["queued"]
    admin("user", "add", "zoe")
    assert admin.data("audit", "--limit", "1")[0]["what"] == "added user zoe"


def test_the_audit_is_for_administrators_of_all(
    admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin("user", "add", "zoe")
    admin("role", "grant", "zoe", "admin")
    monkeypatch.setenv("LAUNCHKIT_TOKEN", admin.data("token", "create", "zoe")["secret"])
    assert admin.data("events") == []
    assert "this needs admin" in admin("audit", code=7).stderr


def test_a_webhook_is_made_paused_resumed_and_removed(admin: Program) -> None:
    made = admin.data("webhook", "create", "chat", URL)
    assert (made["url"], made["events"], made["paused"]) == (URL, ["launch.failed"], False)
    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in admin.out("webhook", "list", "-o", "json")
    both = ("--event", "queue.paused", "--event", "launch.queued")
    told = admin.data("webhook", "create", "other", URL, *both)["events"]
    assert told == ["launch.queued", "queue.paused"]
    assert admin.data("webhook", "pause", "chat")["paused"]
    assert "is paused" in admin("webhook", "test", "chat", code=6).stderr
    assert not admin.data("webhook", "resume", "chat")["paused"]
    assert completed("launchkit webhook remove ch") == ["chat"]
    admin("webhook", "remove", "chat")
    assert admin.out("webhook", "list", "-o", "name").split() == ["other"]
    assert "no webhook 'chat'" in admin("webhook", "remove", "chat", code=5).stderr
    assert "url: must begin" in admin("webhook", "create", "x", "ftp://h", code=3).stderr


def test_the_secret_of_a_webhook_goes_into_a_file_and_nowhere_else(admin: Program) -> None:
    path = admin.folder / "secret"
    made = admin("webhook", "create", "chat", URL, "--secret-out", str(path), "-o", "json")
    secret = path.read_text().strip()
    assert secret.startswith("whsec_")
    assert secret not in made.output
    assert path.stat().st_mode & 0o777 == 0o600
    again = admin("webhook", "create", "more", URL, "--secret-out", str(path), code=6)
    assert "exists" in again.stderr
    assert admin.out("webhook", "list", "-o", "name").split() == ["chat"]


def test_a_test_message_is_made_and_listed(admin: Program) -> None:
    with receiving() as receiver:
        admin("webhook", "create", "chat", f"{receiver.url}/ok")
        sent = admin.data("webhook", "test", "chat")
        assert sent["type"] == "webhook.test"
        assert [one["id"] for one in admin.data("webhook", "messages", "chat")] == [sent["id"]]
        [listed] = admin.data("webhook", "list")
        assert [one["id"] for one in listed["messages"]] == [sent["id"]]
