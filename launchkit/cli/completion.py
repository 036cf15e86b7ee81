"""`launchkit completion`."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from launchkit.cli.door import put_text

SHELLS: dict[str, type[ShellComplete]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}
PLACES = """\b
bash, in ~/.bashrc:  eval "$(launchkit completion bash)"
zsh, in ~/.zshrc:    eval "$(launchkit completion zsh)"
fish, once:          launchkit completion fish > ~/.config/fish/completions/launchkit.fish
"""


@click.command(epilog=PLACES)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a script with which a shell completes commands, options and names.

    Names of queues, jobs, launches and agents are asked of the queue: if it does not answer within
    a fifth of a second, there are none.
    """
    program = context.find_root().command
    put_text(SHELLS[shell](program, {}, "launchkit", "_LAUNCHKIT_COMPLETE").source())
