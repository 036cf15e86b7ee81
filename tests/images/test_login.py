"""Logins in the forms that others take; `tests/registry/test_logins.py` shows them to real ones."""

import base64
import json
from typing import Any

import pytest

from launchkit.images.login import docker_config, login_header, login_key, registry_of
from launchkit.images.ref import ImageRef
from launchkit.model import Credentials, Secret

LOGIN = Credentials(username="alice", password=Secret("pä:ss"))
TOKEN = Credentials(username=Credentials.IDENTITY, password=Secret("refresh"))
HUB_KEY = "https://index.docker.io/v1/"


def sent(login: Credentials | None, image: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(login_header(login, ImageRef.parse(image))))


@pytest.mark.parametrize(
    ("login", "image", "said"),
    [
        (None, "r.io/x", {}),
        (LOGIN, "R.io:5000/x:1", {"username": "alice", "password": "pä:ss"}),
        (TOKEN, "R.io:5000/x:1", {"identitytoken": "refresh"}),
    ],
)
def test_a_header_holds_the_login_and_for_whom_it_is(
    login: Credentials | None, image: str, said: dict[str, str]
) -> None:
    assert sent(login, image) == said | ({"serveraddress": "r.io:5000"} if login else {})


@pytest.mark.parametrize("image", ["x", "index.docker.io/a/b", "registry-1.docker.io/a/b"])
def test_docker_hub_has_one_key_for_all_its_names(image: str) -> None:
    assert sent(LOGIN, image)["serveraddress"] == HUB_KEY
    assert json.loads(docker_config({ImageRef.parse(image).registry: LOGIN}))["auths"].keys() == {
        HUB_KEY
    }


def test_a_configuration_holds_a_login_for_each_registry() -> None:
    auths = json.loads(docker_config({"r.io:5000": LOGIN, "docker.io": TOKEN}))["auths"]
    assert base64.b64decode(auths["r.io:5000"].pop("auth")).decode() == "alice:pä:ss"
    assert base64.b64decode(auths[HUB_KEY].pop("auth")).decode() == "<token>:"
    assert auths == {"r.io:5000": {}, HUB_KEY: {"identitytoken": "refresh"}}


def test_neither_shows_itself() -> None:
    for made in (login_header(LOGIN, ImageRef.parse("x")), docker_config({"r.io": LOGIN})):
        assert isinstance(made, Secret)
        assert repr(made) == "Secret('…')"


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        (HUB_KEY, "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("https://R.io:5000/v2/", "r.io:5000"),
        ("http://r.io", "r.io"),
    ],
)
def test_a_key_of_a_configuration_leads_to_its_registry(key: str, registry: str) -> None:
    assert registry_of(key) == registry
    assert registry_of(login_key(registry)) == registry
