"""Registries for contract tests are real ones."""

import os
import shutil
from pathlib import Path

import httpx
import pytest
from waiting import PATIENCE

from launchkit.testing import registry_server

LOGIN = ("alice", "s3cret")


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("login", [None, LOGIN])
def test_what_was_pushed_is_there(tmp_path: Path, login: tuple[str, str] | None, tls: bool) -> None:
    with registry_server(tmp_path / "registry", login=login, tls=tls) as server:
        digest = server.push("team/job", "v1")
        assert server.digest(f"{server.host}/team/job:v1") == digest
        assert server.digest(f"{server.host}/team/job@{digest}") == digest
        assert server.digest(f"{server.host}/team/job:v2") is None
        assert server.push("team/job", "v2") != digest
        assert LOGIN[1] not in repr(server)


def test_nobody_comes_in_without_the_login(tmp_path: Path) -> None:
    with registry_server(tmp_path / "registry", login=LOGIN) as server:
        assert httpx.get(f"{server.url}/v2/", timeout=PATIENCE).status_code == 401
        assert httpx.get(f"{server.url}/v2/", auth=LOGIN, timeout=PATIENCE).status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/v2/", timeout=PATIENCE)


def test_a_test_that_lacks_the_program_is_skipped_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception) as skipped, registry_server(tmp_path / "registry"):
        pass
    assert str(skipped.value) == "a registry on this machine needs docker-registry: not installed"


def test_a_registry_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="did not find expected node"):  # noqa: SIM117
        with registry_server(tmp_path / "registry", more="no_such_key: [\n"):
            pass


def test_continuous_integration_has_the_programs_of_a_registry() -> None:
    if "CI" in os.environ:
        assert all(map(shutil.which, ("docker-registry", "htpasswd", "openssl")))
