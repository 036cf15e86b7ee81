"""The kinds of runners that are installed at the service, and what they say of configs. Plugins are
looked up in files, once, for they stay as they are while the service runs: call these in a thread.
"""

from collections.abc import Sequence
from functools import cache, lru_cache

from launchkit.abc import Runner
from launchkit.codec import encode_json
from launchkit.model import QueueSpec
from launchkit.plugins import Plugins
from launchkit.resolving.samples import check_config_of
from launchkit.wire.user_side import KindView
from launchkit_server.kept import Kept

MOST_KINDS = 256
"""How many are remembered, also of those that are not installed."""


@cache
def installed() -> Sequence[KindView]:
    """All kinds, by name."""
    runners = {runner.kind: runner for runner in Plugins().classes(Runner).values()}
    return [_view(runners[kind]) for kind in sorted(runners)]


@cache
def kept_installed() -> Kept:
    """All kinds, by name, as they are told."""
    return Kept.of(encode_json(installed()).encode())


def kind_of(name: str) -> KindView:
    """One kind, also by an alias. :raises PluginError: if it is not installed."""
    return _view(_installed(name))


def kept_kind_of(name: str) -> Kept:
    """The same as it is told. :raises PluginError: if it is not installed."""
    return _kept_view(_installed(name))


@lru_cache(maxsize=MOST_KINDS)
def runner_of(kind: str) -> type[Runner] | None:
    """The class of a kind or an alias; None if it is not installed.

    :raises PluginError: if it cannot be used.
    """
    return Plugins().find(Runner, kind)


def shown_to_runner(spec: QueueSpec) -> type[Runner] | None:
    """The class of the runner that was shown the config of a queue; None if it is not installed.

    :raises Rejected: if a launch could not be good, whatever it chose.
    """
    runner = runner_of(spec.resource)
    if runner is not None:
        check_config_of(spec, runner)
    return runner


def _installed(name: str) -> type[Runner]:
    return runner_of(name) or Plugins().get(Runner, name)


@cache
def _kept_view(runner: type[Runner]) -> Kept:
    return Kept.of(encode_json(_view(runner)).encode())


@cache
def _view(runner: type[Runner]) -> KindView:
    return KindView(
        kind=runner.kind,
        aliases=runner.aliases,
        config_schema=runner.args_schema(),
        starter_config=runner.starter_config(),
    )
