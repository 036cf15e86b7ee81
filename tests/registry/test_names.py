"""Hosts and challenges: what is decided without a registry."""

import pytest

from launchkit.images.registries.auth import Challenge, parse_challenges
from launchkit.images.registries.names import api_host, is_loopback


def test_docker_hub_answers_at_another_host() -> None:
    assert (api_host("docker.io"), api_host("r.io")) == ("registry-1.docker.io", "r.io")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.8.9.1", True),
        ("[::1]:5000", True),
        ("[::1]", True),
        ("10.0.0.1:5000", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("r.io", False),
    ],
)
def test_only_this_machine_may_lack_tls_unasked(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


BEARER = 'Bearer realm="https://a.io/t?x=1, y",service="s \\"q\\"",scope="repository:a/b:pull,push"'
TOKEN = Challenge(
    "bearer",
    {"realm": "https://a.io/t?x=1, y", "service": 's "q"', "scope": "repository:a/b:pull,push"},
)
BASIC = Challenge("basic", {"realm": "lk"})


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ("", []),
        (BEARER, [TOKEN]),
        ('Basic realm="lk"', [BASIC]),
        ("basic realm=lk", [BASIC]),
        (f'Basic realm="lk", {BEARER}', [BASIC, TOKEN]),
        (f'{BEARER},Basic realm="lk"', [TOKEN, BASIC]),
        ("Negotiate", [Challenge("negotiate", {})]),
        ('Negotiate, Basic realm="lk"', [Challenge("negotiate", {}), BASIC]),
    ],
)
def test_challenges_are_read(header: str, challenges: list[Challenge]) -> None:
    assert parse_challenges(header) == challenges
