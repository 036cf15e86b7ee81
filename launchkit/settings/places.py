"""Where things are on this machine, by the XDG rules."""

import os
from collections.abc import Mapping
from pathlib import Path

Environ = Mapping[str, str]


def config_files(environ: Environ = os.environ) -> tuple[Path, Path]:
    """Where a configuration may lie, ours before W&B's; the first one that exists counts."""
    ours = _base(environ, "XDG_CONFIG_HOME", ".config")
    return (
        ours / "launchkit" / "launch-config.yaml",
        _home(environ) / ".config" / "wandb" / "launch-config.yaml",
    )


def default_backend(environ: Environ = os.environ) -> str:
    """The URL of the queue that is used when none is named: a file among the user's data."""
    data = _base(environ, "XDG_DATA_HOME", ".local/share")
    return f"sqlite:///{data / 'launchkit' / 'launchkit.db'}"


def default_state_dir(environ: Environ = os.environ) -> Path:
    """Where an agent keeps what must outlive it."""
    return _base(environ, "XDG_STATE_HOME", ".local/state") / "launchkit"


def default_cache_dir(environ: Environ = os.environ) -> Path:
    """Where an agent keeps what can be made again."""
    return _base(environ, "XDG_CACHE_HOME", ".cache") / "launchkit"


def _base(environ: Environ, variable: str, default: str) -> Path:
    given = Path(environ.get(variable, ""))
    return given if given.is_absolute() else _home(environ) / default


def _home(environ: Environ) -> Path:
    return Path(environ.get("HOME") or Path.home())
