"""Secrets that stand in a queue's config as they are."""

import pytest

from launchkit.model import QueueSpec, Variable
from launchkit.resolving.written_secrets import secrets_warning, written_secrets

PLAIN = Variable(type="string", pattern="[a-z]+", description="The token of the team")


@pytest.mark.parametrize(
    ("config", "places"),
    [
        ({"env": {"DB_PASSWORD": "pw", "MODE": "fast"}}, ["env.DB_PASSWORD"]),
        ({"env": ["HF_TOKEN=k", "HF_TOKEN", "A=b"]}, ["env[0]"]),
        ({"env": [{"name": "API_KEY", "value": "k"}]}, ["env[0].value"]),
        ({"proxy": "http://ann:pw@host"}, ["proxy"]),
        ({"env": {"DB_PASSWORD": "${DB_PASSWORD}", "TOKEN": None}}, []),
        ({"env": ["HF_TOKEN=${HF_TOKEN}", "TOKEN={{token}}"]}, []),
        ({"env": {"TOKEN_FILE": "/run/secrets/token"}, "token-file": "/x"}, []),
        ({"env": ["AWS_WEB_IDENTITY_TOKEN_FILE=/x"], "secretName": "team"}, []),
        ({"secretKeyRef": {"name": "team", "key": "token"}}, []),
        ({"token": "…"}, []),
        ({"setup": "cd ${HOME}; export API_TOKEN=hush"}, ["setup"]),
        ({"URL": "postgres://u:hush@h/${run_id}"}, ["URL"]),
        ({"DB_TOKEN": "pre{{v}}hush", "API_TOKEN": "{{v}}hush"}, ["DB_TOKEN", "API_TOKEN"]),
        ({"password": "ab${cdhush"}, ["password"]),
        ({"x": {"token=hush": {"password": "hush"}}}, ["x.…", "x.token=…"]),
        ({"token": {"hush": 1, "a": {"hush": ["hush", {"hush": "hush"}]}}}, ["token"]),
        ({"env": [{"name": "A_TOKEN", "value": {"hush": "hush"}}]}, ["env[0].value"]),
        ({"build-args": {"ADMIN_PASSWORD": "12345678"}}, ["build-args.ADMIN_PASSWORD"]),
    ],
)
def test_what_is_written_out_is_found(config: dict[str, object], places: list[str]) -> None:
    assert written_secrets(config) == places


def test_a_warning_names_places_and_no_values() -> None:
    config = {"env": {f"TOKEN_{index}": "hush" for index in range(9)}}
    found = secrets_warning(QueueSpec(name="q", resource="local-process", config=config))
    assert found
    assert found.subject == "config of queue q"
    assert "env.TOKEN_4 and 4 more: looks like a secret" in found.message
    assert "hush" not in str(found)
    variables = {"hf_token": Variable(type="string", default="hush")}
    spec = QueueSpec(name="q", resource="local-process", variables=variables)
    told = secrets_warning(spec)
    assert told
    assert told.message.startswith("default of variable hf_token: looks like a secret")
    variables = {"api_token": Variable(type="string", enum=("A", "B"))}
    told = secrets_warning(QueueSpec(name="q", resource="local-process", variables=variables))
    assert told
    assert told.message.startswith("choices of variable api_token: looks like a secret")
    one = Variable(type="string", pattern="API_TOKEN=hush", description="as with API_TOKEN=hush")
    told = secrets_warning(
        QueueSpec(name="q", resource="local-process", variables={"size": one, "api_token": PLAIN})
    )
    assert told
    places = "pattern of variable size, description of variable size: looks like a secret"
    assert told.message.startswith(places)
    assert secrets_warning(QueueSpec(name="q", resource="local-process")) is None
