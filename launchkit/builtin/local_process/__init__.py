"""The runner `local-process`: runs code on this machine, as processes that outlive the agent."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Runner


@hookimpl
def launchkit_runners() -> "Sequence[type[Runner]]":
    """The runner of this plugin."""
    from launchkit.builtin.local_process.runner import LocalProcessRunner

    return [LocalProcessRunner]
