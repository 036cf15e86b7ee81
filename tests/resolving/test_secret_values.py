"""What of a queue's config is kept from those who are not its operators."""

import json
import re
import shlex
from collections.abc import Callable

import pytest

from launchkit.errors import Rejected
from launchkit.model import QueueSpec, Secret, Variable
from launchkit.resolving.hidden_words import hidden_words
from launchkit.resolving.known_secrets import queue_mask, without_queue_values, without_secrets
from launchkit.resolving.masking import mask_of
from launchkit.resolving.secret_places import secrets_in
from launchkit.resolving.secret_values import (
    hidden,
    secret_defaults,
    secret_variables,
    without_queue_secrets,
    without_values,
)
from launchkit.resolving.variables import objection, value_problems


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
        ({"proxy": "http://bob:k@host:1/x"}, {"proxy": "http://…@host:1/x"}),
        ({"args": ["--url=http://bob:k@host"]}, {"args": ["--url=http://…@host"]}),
        (
            {"max_tokens": 5, "token": None, "password": ""},
            {"max_tokens": 5, "token": None, "password": ""},
        ),
        ({"TOKENIZERS_PARALLELISM": "false"}, {"TOKENIZERS_PARALLELISM": "false"}),
        ({"env": {"DB_PASSWORD": 987654321012}}, {"env": {"DB_PASSWORD": "…"}}),
        (
            {"env": [{"name": "DB_PASSWORD", "value": 1515151515}]},
            {"env": [{"name": "DB_PASSWORD", "value": "…"}]},
        ),
        (
            {"command": ["--password=x y", "--api-key", "y", "--epochs", "3"]},
            {"command": ["--password=…", "--api-key", "…", "--epochs", "3"]},
        ),
        (
            {"command": ["--max-tokens", "4096", "--token-file", "/run/t", "--token", "-v"]},
            {"command": ["--max-tokens", "4096", "--token-file", "/run/t", "--token", "…"]},
        ),
        (
            {"mount": "type=volume,volume-opt=o=username=u;password=k"},
            {"mount": "type=volume,volume-opt=o=username=u;password=…"},
        ),
        (
            {"command": "docker run -e HF_TOKEN=k --label 'password=k l' --token k -v a:b i"},
            {"command": "docker run -e HF_TOKEN=…"},
        ),
        ({"h": "X: y; Authorization: Bearer k0123"}, {"h": "X: y; Authorization: Bearer …"}),
        ({"h": "Authorization: Basic k0123"}, {"h": "Authorization: Basic …"}),
        ({"u": "pip git+https://ghp_x@github.com/a"}, {"u": "pip git+https://…@github.com/a"}),
        ({"u": "https://ghp_x@github.com/a"}, {"u": "https://…@github.com/a"}),
        ({"u": "http://u:pa/ss@h/x"}, {"u": "http://…@h/x"}),
        ({"u": "http://u:p@ss@h"}, {"u": "http://…@h"}),
        ({"u": "ssh://git@h/r http://h:80/a@b"}, {"u": "ssh://git@h/r http://h:80/a@b"}),
        ({"image": "registry:5000/token:latest"}, {"image": "registry:5000/token:latest"}),
        ({"deep": [[{"client_secret": "k"}]]}, {"deep": [[{"client_secret": "…"}]]}),
        ({"env": {"API_TOKEN": "c2VjcmV0==", "A": "b=c"}}, {"env": {"API_TOKEN": "…", "A": "b=c"}}),
        ({"env": [{"name": "TOKEN", "value": "k=="}]}, {"env": [{"name": "TOKEN", "value": "…"}]}),
        ({"command": ["--password", "a=b"]}, {"command": ["--password", "…"]}),
        ({"tokens": ["a=b", {"x": "k"}]}, {"tokens": ["…", {"x": "…"}]}),
        ({"passwords": {"a": "k", "b": 12345}}, {"passwords": {"a": "…", "b": "…"}}),
        (
            {"api_tokens": [{"name": "github", "value": "k"}]},
            {"api_tokens": [{"name": "github", "value": "…"}]},
        ),
        (
            {"secret": {"items": [{"key": "a", "path": "b"}], "defaultMode": 420}},
            {"secret": {"items": [{"key": "a", "path": "b"}], "defaultMode": 420}},
        ),
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


CONNECTION = "Server=10.0.0.5;Uid=sa;Password=hunter22x;Db=prd"
HOOK = "https://bot:tok3nAbCdEf@h1.io/T0SECR"


@pytest.mark.parametrize("secret", [CONNECTION, HOOK, "--token abc -H Xq7", "A_TOKEN=ab cd"])
def test_what_names_hide_within_a_known_value_leaves_nothing_of_it(secret: str) -> None:
    resolved = {"resource_args": {"entrypoint": secret, "mount": f"source=/x/{secret},target=/x"}}
    shown = without_queue_secrets(resolved, [secret])["resource_args"]
    assert isinstance(shown, dict)
    assert shown["entrypoint"] == "…"
    assert shown["mount"] in {"source=/x/…", "source=/x/…,target=/x"}
    (*_, word) = hidden_words(["sh", "-c", f"curl {secret}"], [secret])
    assert word == "curl …"


def test_what_is_masked_by_its_value_takes_no_name_from_what_it_tells() -> None:
    config = {"DB_word": "abc", "more": {"DB_password": "xyz"}, "args": ["--password", "hush"]}
    config |= {"line": "set A_password=hush; run", "wide": "A_password=xy", "n": 1234}
    shown = hidden(config, ["password", "word", "1234"])
    assert shown == {
        "DB_…": "abc",
        "more": {"DB_…": "…"},
        "args": ["--…", "…"],
        "line": "set A_…=…",
        "wide": "A_…=…",
        "n": "…",
    }


@pytest.mark.parametrize("secret", [CONNECTION, HOOK])
def test_a_named_secret_is_hidden_elsewhere_whatever_names_and_logins_are_in_it(
    secret: str,
) -> None:
    config = {"env": {"API_TOKEN": secret, "A": "1"}, "setup": {"command": f"post --to {secret}"}}
    address = Variable(type="string", default=secret, description=f"as {secret}")
    variables = {"address": address, "api_token": Variable(type="string", default=secret)}
    spec = QueueSpec(name="q", resource="docker", config=config, variables=variables)
    shown = without_secrets(spec)
    assert shown.config == {
        "env": {"API_TOKEN": "…", "A": "1"},
        "setup": {"command": "post --to …"},
    }
    assert (shown.variables["address"].default, shown.variables["address"].description) == (
        "…",
        "as …",
    )
    error = Rejected(f"cannot reach {secret}: no")
    assert without_queue_values(str(error), queue_mask(spec)) == "cannot reach …: no"


def test_known_values_are_masked_wherever_they_stand() -> None:
    told = {"a": ["x hush y", {"b": "hush"}], "n": 1, "c": "hushed up"}
    shown = without_values(told, [Secret("hush"), Secret("hushed"), Secret("x")])
    assert shown == {"a": ["x … y", {"b": "…"}], "n": 1, "c": "… up"}
    assert without_values(told, []) == told


@pytest.mark.parametrize(
    ("secret", "number"),
    [
        ("0847319", 847319),
        ("847319", 8473190),
        ("0847319", 108473190),
        ("-00012345", -12345),
        ("847319", 847319.0),
        ("0847319", 1.847319),
        ("0012.50", 12.5),
        ("0847", 847),
        ("0847", 847.0),
        ("00012345\n", 12345),
    ],
)
def test_a_secret_that_became_a_number_is_masked(secret: str, number: float) -> None:
    told = {"request": {"n": [number]}}
    assert without_values(told, [secret]) == {"request": {"n": ["…"]}}
    assert without_queue_secrets(told, [secret]) == {"request": {"n": ["…"]}}


def test_a_number_that_is_no_secret_stays_one() -> None:
    told = {"n": [847, 84731, 0, 1.5, True]}
    assert without_values(told, ["0847319", "True"]) == told


def test_a_secret_that_became_a_number_is_masked_in_what_is_said_of_it() -> None:
    mask = mask_of("0847319")
    assert mask("Value '847319' is beyond 0847319") == "Value '…' is beyond …"


def test_the_default_of_a_variable_that_sounds_secret_is_hidden() -> None:
    variables = {
        "hf_token": Variable(type="string", default="k"),
        "team": Variable(type="string", default="vision"),
        "max_tokens": Variable(type="integer", default=4096),
        "db_password": Variable(type="integer", default=987654321),
    }
    shown = without_secrets(QueueSpec(name="q", resource="docker", variables=variables)).variables
    assert {name: one.default for name, one in shown.items()} == {
        "hf_token": "…",
        "team": "vision",
        "max_tokens": 4096,
        "db_password": "…",
    }


def test_an_id_that_is_a_secret_is_one_everywhere() -> None:
    variables = {"vault_secret_id": Variable(type="string", default="9f3c-77")}
    spec = QueueSpec(name="q", resource="docker", variables=variables)
    assert without_secrets(spec).variables["vault_secret_id"].default == "…"
    assert secret_defaults(secrets_in(spec.config), spec.variables) == ("9f3c-77",)


def test_choices_that_are_secrets_are_hidden_and_can_still_be_given() -> None:
    variables = {
        "api_key": Variable(type="string", default="first-key", enum=("first-key", "second-key")),
        "proxy": Variable(type="string", enum=("http://ann:pw@host", "http://host")),
        "size": Variable(type="string", default="big", enum=("big", "small")),
    }
    shown = without_secrets(QueueSpec(name="q", resource="docker", variables=variables)).variables
    assert "key" not in repr([shown["api_key"].default, shown["api_key"].enum])
    assert "pw" not in repr(shown)
    assert shown["size"] == variables["size"]
    assert objection("second-key", shown["api_key"]) is None


def test_what_is_not_among_secret_choices_is_told_without_them() -> None:
    variables = {"api_key": Variable(type="string", enum=("first-key", "second-key"))}
    secret = secret_variables((), variables)
    (problem,) = value_problems({"api_key": "guess"}, variables, secret)
    assert problem == "template variable api_key: must be one of the values that its queue allows"


def test_secrets_among_defaults_and_choices_are_known_by_their_variables() -> None:
    variables = {
        "hf_token": Variable(type="string", default="one"),
        "api_key": Variable(type="string", enum=("two", "three")),
        "pin_password": Variable(type="integer", default=123456),
        "max_tokens": Variable(type="integer", default=4096),
        "token_file": Variable(type="string", default="/run/secrets/token"),
        "secret": Variable(type="string"),
    }
    spec = QueueSpec(name="q", resource="docker", variables=variables)
    assert secret_defaults(secrets_in(spec.config), spec.variables) == (
        "one",
        "two",
        "three",
        "123456",
    )
    told = {"args": ["-x", 123456, "login 123456"], "n": 12345, "m": 1234567}
    assert without_values(told, secret_defaults(secrets_in(spec.config), spec.variables)) == {
        "args": ["-x", "…", "login …"],
        "n": 12345,
        "m": "…",
    }


@pytest.mark.parametrize(
    "quote", [str, shlex.quote, json.dumps, repr, lambda text: shlex.join(["-l", f"l={text}"])]
)
@pytest.mark.parametrize("secret", ['it\'s "quoted" \\back secret', "it's", "ünder\ttab"])
def test_a_known_value_is_masked_however_it_is_quoted(
    quote: Callable[[str], str], secret: str
) -> None:
    shown = str(without_values({"a": quote(secret)}, [Secret(secret)])["a"])
    assert "…" in shown
    assert not {"it", "secret", "tab"} & {*re.findall("[a-z]+", shown)}


def test_each_longer_line_of_a_known_value_is_masked() -> None:
    key = Secret("-----BEGIN KEY-----\nMIIEvQIBADAN\n=x\n-----END KEY-----\n")
    shown = without_values({"evidence": ["MIIEvQIBADAN", "got MIIEvQIBADAN", "=x"]}, [key])
    assert shown == {"evidence": ["…", "got …", "=x"]}


def test_a_command_shows_no_secret_and_all_the_rest() -> None:
    words = ["docker", "run", "-e", "HF_TOKEN=hush it's hush", "--password", "hush's hush"]
    words += ["-e", "A=hush=no secret", "--label=api_key=hush", "img"]
    shown = shlex.join(hidden_words(words))
    assert shown == (
        "docker run -e 'HF_TOKEN=…' --password '…' -e 'A=hush=no secret' '--label=api_key=…' img"
    )
    assert hidden({"command": shown}) == {"command": shown}
    assert hidden({"command": shlex.join(words)}) == {"command": "docker run -e 'HF_TOKEN=…"}


class Unwritten(list[str]):
    """A list that is not to be written as a text, which each list around it would do once more."""

    def __repr__(self) -> str:
        raise AssertionError


def test_a_list_in_front_of_a_text_is_not_written_out_to_know_whether_it_tells_of_it() -> None:
    words = [Unwritten(["set"]), "pw", "hush", "--password", Unwritten(["hush"]), "--token", "hush"]
    shown = hidden({"args": words})["args"]
    assert shown == [["set"], "pw", "hush", "--password", ["…"], "--token", "…"]


@pytest.mark.parametrize(("many", "end"), [(9_999, "** words"), (10_001, "…")])
def test_of_a_text_with_very_many_names_of_secrets_the_rest_is_hidden(many: int, end: str) -> None:
    shown = hidden({"args": "**token" * many + "** words"})["args"]
    assert shown.endswith(f"token{end}" if many < 10_000 else end)


def test_texts_that_sound_secret_everywhere_cost_linear_time() -> None:
    """By steps that grow with the square of the length it would last for minutes."""
    pieces = ("token", 'token="', "'token='\"'\"", "--token ", "http://u:", "bearer ", "token: ")
    pieces += (
        'token=\\"a ',
        "token=${A} ",
        "token\n= ",
        "a=",
        "://",
        "u:p@",
        "token=$(",
        "token:\n",
    )
    pieces += ('"token=a ', "token='", "${token:-", "<token>", "ENV token ", "a_", "token=1 ", "\\")
    pieces += (
        "token=a|",
        "curl -u a:b ",
        ",-u",
        "token: |\n ",
        "pwd x\n",
        "token['",
        "{{x}}pwd",
        "<a:pwd>",
    )
    for piece in pieces:
        hidden({"a": piece * 20_000, "b": "http://u:" + piece * 20_000, "c": f"t={piece}" * 1000})
