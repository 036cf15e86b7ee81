"""Who acts."""

import getpass
import os


def current_user() -> str:
    """The login name of this process's user; its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"
