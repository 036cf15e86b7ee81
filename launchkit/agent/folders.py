"""The directories of an agent, made before anything works in them."""

import errno
import os
from pathlib import Path

from launchkit.errors import ConfigError
from launchkit.private_files import make_folder
from launchkit.settings import AgentSettings


def make_folders(settings: AgentSettings) -> None:
    """Make what is missing of the agent's directories.

    :raises ConfigError: if the agent could write nothing there.
    """
    make_writable("state_dir", settings.state_dir)
    make_writable("cache_dir", settings.cache_dir)


def make_writable(key: str, folder: Path) -> None:
    """Make the directory of one setting, unless it is there.

    :raises ConfigError: if it cannot be made or written.
    """
    try:
        make_folder(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as exc:
        raise ConfigError(
            f"{key}: {folder}: cannot be written: {exc.strerror}",
            hint=f"choose another place: {key} in launch-config.yaml, or LAUNCHKIT_{key.upper()}",
        ) from exc
