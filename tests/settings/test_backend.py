"""The block `backend`: a URL alone, or with the settings of its kind."""

from pathlib import Path

import jsonschema
import pytest

from launchkit.abc import QueueBackend
from launchkit.agent.kit import backend_of
from launchkit.builtin.http.backend import HttpBackend
from launchkit.builtin.http.tokens import find_token
from launchkit.document import read_document
from launchkit.errors import ConfigError
from launchkit.model import Secret
from launchkit.plugins import Plugins
from launchkit.settings import Loaded, load_settings
from launchkit.settings.json_schema import settings_schema

URL = "https://queue.example.com"


def loaded(folder: Path, text: str, **environ: str) -> Loaded:
    path = folder / "launch-config.yaml"
    path.write_text(text)
    return load_settings(path, environ=environ)


def made(given: Loaded) -> QueueBackend:
    return backend_of(given.settings, Plugins())


@pytest.mark.parametrize(
    "text",
    [f"backend: {URL}", f"backend: {{url: '{URL}'}}", f"backend: {{type: http, url: '{URL}'}}"],
)
def test_a_backend_is_a_url_or_a_block_with_one(tmp_path: Path, text: str) -> None:
    backend = made(loaded(tmp_path, text))
    assert isinstance(backend, HttpBackend)
    assert backend.url == URL


def test_the_settings_of_the_kind_stand_in_the_block(tmp_path: Path) -> None:
    given = loaded(tmp_path, f"backend:\n  url: {URL}\n  token-file: /run/t\n  token: hush\n")
    backend = made(given)
    assert isinstance(backend, HttpBackend)
    assert (backend.token_file, backend.token) == ("/run/t", Secret("hush"))
    assert "hush" not in str(given.settings.model_dump(mode="json"))
    assert given.origins["backend.token-file"].endswith("launch-config.yaml:3")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"backend:\n  url: {URL}\n  token-fil: x", 3, ".token-fil: unknown key; did you mean"),
        (f"backend:\n  url: {URL}\n  lease: 3", 3, "backend.lease: unknown key"),
        (f"backend:\n  url: {URL}\n  token: 3", 3, "backend.token: must be text"),
        ("backend:\n  token-file: x", 1, "backend.url: this key is required"),
        ("backend: [x]", 1, "backend: "),
        (f"backend:\n  url: {URL}?token=hush", 1, "which are not logged"),
        ("backend: https://bob:hush@queue.example.com", 1, "which are not logged"),
        ("backend: http://h:99999", 1, "is no URL: a port is a number from 1 to 65535"),
        ("backend: https:///x", 1, "begins with http:// or https:// and a host"),
    ],
)
def test_what_is_wrong_in_it_is_told_with_its_place(
    tmp_path: Path, text: str, line: int, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    [told] = caught.value.message.splitlines()
    assert f"launch-config.yaml:{line}: backend" in told
    assert words in told
    assert "hush" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        (f"backend: {URL}", True),
        (f"backend: {{url: '{URL}', token-file: /run/t}}", True),
        (f"backend: {{url: '{URL}', token_file: null}}", True),
        ("backend: {token-file: /run/t}", False),
        (f"backend: {{url: '{URL}', tokn: x}}", False),
    ],
)
def test_the_schema_knows_the_block(tmp_path: Path, text: str, valid: bool) -> None:
    (tmp_path / "x.yaml").write_text(text)
    data = read_document(tmp_path / "x.yaml").data
    assert jsonschema.Draft202012Validator(settings_schema(Plugins())).is_valid(data) is valid


def test_tokens_are_looked_for_from_the_nearest_to_the_farthest(tmp_path: Path) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    for name in ("file", "other"):
        (tmp_path / name).write_text(f"of-{name}\n")
    (tmp_path / "launchkit").mkdir()
    (tmp_path / "launchkit" / "tokens.json").write_text(f'{{"{URL}": "of-login"}}')
    file = tmp_path / "file"
    named = {"LAUNCHKIT_TOKEN_FILE": str(tmp_path / "other"), **home}
    first = {"LAUNCHKIT_TOKEN": "of-variable", **named}
    assert find_token(URL, token="of-block", token_file=file, environ=first) == "of-variable"
    assert find_token(URL, token="of-block", token_file=file, environ=named) == "of-other"
    assert find_token(URL, token="of-block", token_file=file, environ=home) == "of-block"
    assert find_token(URL, token_file=file, environ=home) == "of-file"
    assert find_token(f"{URL}/", environ=home) == "of-login"
    assert find_token("https://else.example.com", environ=home) is None
