"""`launchkit user`, `role` and `token` of an administrator who has the service's address alone."""

from pathlib import Path

import pytest
from cli.conftest import Program

from .conftest import Served


@pytest.fixture
def admin(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The program, at the service, with the token of an administrator."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAUNCHKIT_BACKEND", server.url)
    monkeypatch.setenv("LAUNCHKIT_ENTITY", "test")
    monkeypatch.setenv("LAUNCHKIT_TOKEN", str.__str__(server.tokens["ann"]))
    return Program(tmp_path)


def test_people_are_added_given_roles_and_removed_over_http(admin: Program) -> None:
    added = admin.data("user", "add", "zoe")
    assert (added["name"], added["created_by"]) == ("zoe", "ann")
    admin("role", "grant", "zoe", "viewer")
    admin("role", "grant", "zoe", "admin", "--everywhere")
    roles = [(r["entity"], r["role"]) for r in admin.data("role", "list") if r["name"] == "zoe"]
    assert roles == [("*", "admin"), ("test", "viewer")]
    admin("role", "revoke", "zoe", "--everywhere")
    admin("user", "remove", "zoe")
    assert "zoe" not in admin.out("user", "list", "-o", "name")
    assert "no user or service zoe" in admin("user", "remove", "zoe", code=5).stderr


def test_tokens_are_made_used_and_revoked_over_http(
    admin: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin("user", "add", "zoe")
    admin("role", "grant", "zoe", "operator")
    made = admin.data("token", "create", "zoe", "--expires", "30d")
    monkeypatch.setenv("LAUNCHKIT_TOKEN", made["secret"])
    admin("queue", "create", "q", "-r", "local-process")
    assert "this needs admin" in admin("user", "list", code=7).stderr
    monkeypatch.delenv("LAUNCHKIT_TOKEN")
    Path("ann").write_text(made["secret"])
    monkeypatch.setenv("LAUNCHKIT_TOKEN_FILE", "ann")
    admin("queue", "list")


def test_the_token_of_an_agent_is_made_over_http_and_is_bound(admin: Program) -> None:
    admin("queue", "create", "q", "-r", "local-process")
    made = admin.data("token", "create", "--agent", "box", "-q", "q")
    assert (made["owner"], made["queues"], made["entity"]) == ("agent:box", ["q"], "test")
    admin("token", "revoke", made["id"])
    listed = {t["id"]: t["revoked_at"] for t in admin.data("token", "list")}
    assert listed[made["id"]]
    admin("token", "create", "--agent", "box", "-q", "none", code=5)
