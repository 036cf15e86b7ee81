"""`launchkit user`, `role`, `token`, `login` and `logout`, on a real queue in a file."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from cli.conftest import Program

from launchkit.builtin.http.tokens import find_token, tokens_file

URL = "https://queue.example.com"


@pytest.fixture(autouse=True)
def settings_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def bob(program: Program) -> Program:
    """The program, with a user bob."""
    program("user", "add", "bob")
    return program


def test_a_user_is_added_listed_and_removed(bob: Program) -> None:
    bob("user", "add", "ci", "--service")
    assert [(u["name"], u["kind"]) for u in bob.data("user", "list")] == [
        ("bob", "user"),
        ("ci", "service"),
    ]
    bob("user", "remove", "ci")
    assert bob.out("user", "list", "-o", "name") == "bob\n"
    assert "no user or service ci" in bob("user", "remove", "ci", code=5).stderr
    assert "bob already" in bob("user", "add", "bob", code=6).stderr


def test_users_are_added_with_a_role_and_a_token_at_once(program: Program, tmp_path: Path) -> None:
    program("user", "add", "bob", "eve", "--role", "viewer", "--tokens", str(tmp_path))
    assert program.out("user", "list", "-o", "name") == "bob\neve\n"
    assert {(g["name"], g["role"]) for g in program.data("role", "list")} == {
        ("bob", "viewer"),
        ("eve", "viewer"),
    }
    for name in ("bob", "eve"):
        file = tmp_path / f"{name}.token"
        assert file.read_text().startswith("lk_u")
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_token_does_not_replace_a_file(program: Program, tmp_path: Path) -> None:
    (tmp_path / "bob.token").write_text("another")
    refused = program("user", "add", "bob", "--tokens", str(tmp_path), code=6)
    assert "bob.token exists" in refused.stderr
    assert program.data("token", "list") == []


def test_a_role_holds_in_the_chosen_entity_or_everywhere(bob: Program) -> None:
    bob("role", "grant", "bob", "operator", "-e", "lab")
    bob("role", "grant", "bob", "viewer", "--everywhere")
    assert {(g["entity"], g["role"]) for g in bob.data("role", "list")} == {
        ("lab", "operator"),
        ("*", "viewer"),
    }
    bob("role", "revoke", "bob", "-e", "lab")
    assert [g["entity"] for g in bob.data("role", "list")] == ["*"]
    assert "has no role in lab" in bob("role", "revoke", "bob", "-e", "lab", code=5).stderr


def test_the_secret_of_a_token_is_shown_once(bob: Program) -> None:
    made = bob.data("token", "create", "bob", "--expires", "30d")
    assert made["secret"].startswith("lk_u")
    listed = bob("token", "list", "-o", "json").output
    assert made["id"] in listed
    assert made["secret"] not in listed
    assert "secret" not in json.loads(listed)[0]


def test_a_token_is_written_for_its_owner_alone_and_not_shown(bob: Program) -> None:
    result = bob("token", "create", "bob", "--token-out", "bob.token")
    secret = Path("bob.token").read_text().strip()
    assert secret.startswith("lk_u")
    assert secret not in result.output
    assert Path("bob.token").stat().st_mode & 0o777 == 0o600
    assert (
        "bob.token exists"
        in bob("token", "create", "bob", "--token-out", "bob.token", code=6).stderr
    )
    assert len(bob.data("token", "list")) == 1


def test_no_file_is_left_where_no_token_was_made(program: Program) -> None:
    program("token", "create", "nobody", "--token-out", "x.token", code=5)
    assert not Path("x.token").exists()


def test_the_find_token_an_agent_is_bound_to_queues(queue: Program) -> None:
    made = queue.data("token", "create", "--agent", "gpu", "-q", "q")
    assert (made["owner"], made["queues"]) == ("agent:gpu", ["q"])
    queue("token", "create", "--agent", "gpu", "-q", "none", code=5)
    for words in (["--agent", "gpu"], ["-q", "q"], [], ["bob", "-q", "q"]):
        assert "name a user or service" in queue("token", "create", *words, code=2).stderr


def test_a_token_is_revoked_by_its_id(bob: Program) -> None:
    made = bob.data("token", "create", "bob")
    bob("token", "revoke", made["id"])
    assert bob.data("token", "list")[0]["revoked_at"]
    assert "no token 00" in bob("token", "revoke", "00", code=5).stderr


def test_people_of_another_backend_are_not_managed_here(program: Program) -> None:
    url = "redis://queue.example.com"
    assert "a queue service or its" in program("user", "list", "--backend", url, code=3).stderr


def test_a_login_keeps_a_token_for_its_user_alone(program: Program) -> None:
    program("login", f"{URL}/", stdin="lk_u1\n")
    program("login", "http://other:8700", "--token-file", program.file("t", "lk_u2"))
    assert (find_token(URL), find_token("http://other:8700/")) == ("lk_u1", "lk_u2")
    assert tokens_file().stat().st_mode & 0o777 == 0o600
    program("logout", URL)
    assert (find_token(URL), find_token("http://other:8700")) == (None, "lk_u2")
    program("logout", URL, code=5)
    assert [*tokens_file().parent.iterdir()] == [tokens_file()]


@pytest.mark.parametrize("text", ["", "two words\x07", "x" * 600, "lk_ü"])
def test_what_is_no_token_is_not_kept(program: Program, text: str) -> None:
    assert "no token" in program("login", URL, stdin=text, code=3).stderr
    assert not tokens_file().exists()


@pytest.mark.parametrize("url", ["queue", "sqlite:///x.db", "https://bob:secret@host", "https://"])
def test_a_login_is_for_a_queue_service(program: Program, url: str) -> None:
    result = program("login", url, stdin="lk_u1", code=3)
    assert "for a queue service" in result.stderr
    assert "secret" not in result.output


def test_a_token_that_is_typed_is_not_shown(program: Program) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "launchkit", "login", URL]
    process = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    shown = b""
    while b"token" not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, b"lk_u1\n")
    while b"is kept in" not in shown:
        shown += os.read(ours, 1024)
    assert process.wait() == 0
    os.close(ours)
    os.close(theirs)
    assert b"lk_u1" not in shown
    assert find_token(URL) == "lk_u1"
