"""The door that the settings describe, and what is wrong with them."""

from pathlib import Path

import pytest
from encrypted_key import SAID, with_pass_phrase
from launchkit_server.config import ServerConfig, load_config
from launchkit_server.door import door_of
from launchkit_server.process import listening
from unbounded import unbounded

from launchkit.errors import ConfigError
from launchkit.json_schema import json_schema
from launchkit.resolving.wide_settings import wide_settings

from .places import Place


def said(tmp_path: Path, **flags: object) -> str:
    with pytest.raises(ConfigError) as caught:
        door_of(load_config({"data": str(tmp_path), **flags}, None, {}))
    return caught.value.message


def test_the_settings_of_the_door_come_from_flags_and_variables(tmp_path: Path) -> None:
    environ = {
        "LAUNCHKIT_SERVER_REQUESTS_PER_SECOND": "5",
        "LAUNCHKIT_SERVER_TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1",
    }
    door = door_of(load_config({"data": str(tmp_path)}, None, environ))
    assert door.limits.requests_per_second == 5
    assert door.trusted_proxies == ("10.0.0.0/8", "127.0.0.1")
    assert door.scheme == "http"


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    assert "--tls-key" in said(tmp_path, tls_cert="cert.pem")


def test_a_certificate_that_is_none_is_told_before_the_start(tmp_path: Path) -> None:
    no_pem = tmp_path / "cert.pem"
    no_pem.write_text("nonsense")
    assert str(no_pem) in said(tmp_path, tls_cert=str(no_pem), tls_key=str(no_pem))
    assert "no certificate" in said(tmp_path, tls_cert="a\0b", tls_key="key")
    assert "absent.pem" in said(tmp_path, tls_cert=str(tmp_path / "absent.pem"), tls_key="key")


def test_a_key_with_a_pass_phrase_is_told_and_nobody_is_asked_for_it(tmp_path: Path) -> None:
    cert, key = with_pass_phrase(tmp_path)
    assert SAID in said(tmp_path, tls_cert=str(cert), tls_key=str(key))


@pytest.mark.parametrize("host", ["ü..x", "a\0b", "no.such.host.invalid"])
def test_a_host_that_is_none_is_told(host: str) -> None:
    with pytest.raises(ConfigError, match="cannot listen at"):
        listening(host, 0)


def test_a_proxy_is_named_by_its_address(tmp_path: Path) -> None:
    assert "--trusted-proxies" in said(tmp_path, trusted_proxies="gateway.example")


def test_each_number_of_the_settings_has_a_least_and_a_largest_value() -> None:
    assert [*unbounded(json_schema(ServerConfig))] == []


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *(("REQUESTS_PER_SECOND", number) for number in ("0", "1e-300", "inf", "nan", "1e300")),
        *(("LEASE", number) for number in ("0", "-5", "1e-300", "inf", "nan", "1e300")),
        *(("UNUSED_SECONDS", number) for number in ("60", "inf", "nan")),
        *(("MAX_ARCHIVE", number) for number in ("0", "9" * 30, "9" * 5000)),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_with_its_place(
    tmp_path: Path, name: str, number: str
) -> None:
    variable = f"LAUNCHKIT_SERVER_{name}"
    with pytest.raises(ConfigError, match=variable):
        load_config({"data": str(tmp_path)}, None, {variable: number})


def test_files_of_secrets_that_everybody_may_read_are_told_at_the_start(tmp_path: Path) -> None:
    secret, key = tmp_path / "secret", tmp_path / "key"
    secret.write_text("hush")
    key.write_bytes(bytes(32))
    secret.chmod(0o644)
    key.chmod(0o604)
    place = Place(
        tmp_path,
        LAUNCHKIT_SERVER_OIDC_ISSUER="https://issuer.invalid",
        LAUNCHKIT_SERVER_OIDC_CLIENT_ID="launchkit",
        LAUNCHKIT_SERVER_OIDC_CLIENT_SECRET_FILE=str(secret),
        LAUNCHKIT_SERVER_WEBHOOK_KEY_FILE=str(key),
    )
    with place.server():
        log = (tmp_path / "server.log").read_text()
    assert f"{secret} is open to every user of this machine (mode 0644)" in log
    assert f"chmod 600 {key}" in log
    assert "hush" not in log
    assert log.count("every user of this machine") == 2


def test_settings_and_blobs_that_everybody_may_use_are_told_at_the_start(tmp_path: Path) -> None:
    settings, blobs = tmp_path / "server.yaml", tmp_path / "blobs"
    settings.write_text(f"blobs: {blobs}\n")
    settings.chmod(0o666)
    blobs.mkdir()
    blobs.chmod(0o777)
    place = Place(tmp_path)
    with place.process(*place.server_words, "--config", str(settings)):
        place.wait(place.ready)
        log = (tmp_path / "server.log").read_text()
    assert f"every user of this machine may change {settings} (mode 0666)" in log
    assert f"every user of this machine may put files into {blobs} (mode 0777)" in log
    settings.write_text("database: postgresql://ann:hush@h/db\n")
    settings.chmod(0o644)
    (told,) = wide_settings(settings)
    assert told.message.endswith("holds what looks like a secret: database")
