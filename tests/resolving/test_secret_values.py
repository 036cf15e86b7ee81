"""What of a queue's config is kept from those who are not its operators."""

import pytest

from launchkit.model import Secret
from launchkit.resolving.secret_values import hidden, without_queue_secrets, without_values


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (
            {"env": {"WANDB_API_KEY": "k", "MODE": "fast"}},
            {"env": {"WANDB_API_KEY": "…", "MODE": "fast"}},
        ),
        (
            {"env": ["HF_TOKEN=k", "MODE=fast", "HF_TOKEN"]},
            {"env": ["HF_TOKEN=…", "MODE=fast", "HF_TOKEN"]},
        ),
        (
            {"env": [{"name": "DB_PASSWORD", "value": "k"}, {"name": "MODE", "value": "fast"}]},
            {"env": [{"name": "DB_PASSWORD", "value": "…"}, {"name": "MODE", "value": "fast"}]},
        ),
        (
            {"secretKeyRef": {"name": "team", "key": "token"}},
            {"secretKeyRef": {"name": "team", "key": "token"}},
        ),
        ({"proxy": "http://bob:k@host:1/x"}, {"proxy": "http://bob:…@host:1/x"}),
        ({"args": ["--url=http://bob:k@host"]}, {"args": ["--url=http://bob:…@host"]}),
        (
            {"max_tokens": 5, "token": None, "password": ""},
            {"max_tokens": 5, "token": None, "password": ""},
        ),
        ({"TOKENIZERS_PARALLELISM": "false"}, {"TOKENIZERS_PARALLELISM": "false"}),
        ({"deep": [[{"client_secret": "k"}]]}, {"deep": [[{"client_secret": "…"}]]}),
    ],
)
def test_what_is_a_secret_by_its_name_is_hidden(given: dict[str, object], shown: object) -> None:
    assert hidden(given) == shown


def test_of_a_launch_only_what_its_queue_brought_is_hidden() -> None:
    resolved = {
        "origins": {"resource_args.env.API_KEY": "queue"},
        "config": {"token": "[CLS]"},
        "resource_args": {"env": {"API_KEY": "k"}},
        "request": {"env": {"API_KEY": "k", "WANDB_NAME": "n"}},
    }
    assert without_queue_secrets(resolved) == {
        **resolved,
        "resource_args": {"env": {"API_KEY": "…"}},
        "request": {"env": {"API_KEY": "…", "WANDB_NAME": "n"}},
    }


def test_known_values_are_masked_wherever_they_stand() -> None:
    told = {"a": ["x hush y", {"b": "hush"}], "n": 1, "c": "hushed up"}
    shown = without_values(told, [Secret("hush"), Secret("hushed"), Secret("x")])
    assert shown == {"a": ["x … y", {"b": "…"}], "n": 1, "c": "… up"}
    assert without_values(told, []) == told
