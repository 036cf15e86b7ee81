"""The plain machine as an environment: object storage is a directory."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import anyio.to_thread

from launchkit.abc import Environment
from launchkit.catalogue import environment_for, install_hint, package_of
from launchkit.errors import LaunchError, Rejected
from launchkit.hookspecs import hookimpl
from launchkit.private_files import make_folder


@dataclass(kw_only=True)
class LocalEnvironment(Environment):
    """A machine without a cloud: copies to `file://` addresses and absolute paths."""

    kind: ClassVar[str] = "local"
    unnamed: ClassVar[bool] = True

    async def upload(self, source: Path, uri: str) -> None:
        """Copy a file; whoever reads the target sees all of it or nothing.

        :raises Rejected: if *uri* is not a place on this machine.
        :raises LaunchError: if it cannot be copied.
        """
        target = local_path(uri)
        try:
            await anyio.to_thread.run_sync(_copy, source, target)
        except OSError as exc:
            raise LaunchError(
                f"cannot copy {source} to {target}: {exc.strerror}",
                hint="check that the directory exists or can be made, and has room",
            ) from exc

    async def remove(self, uri: str) -> None:
        """Remove a file. :raises LaunchError: if it cannot be removed."""
        target = local_path(uri)
        try:
            await anyio.to_thread.run_sync(lambda: target.unlink(missing_ok=True))
        except OSError as exc:
            raise LaunchError(f"cannot remove {target}: {exc.strerror}") from exc


def local_path(uri: str) -> Path:
    """The path that a `file://` address or an absolute path names.

    :raises Rejected: if it is anything else; the hint says which plugin serves it.
    """
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        path = Path(unquote(parts.path))
    else:
        path = Path(uri)
    if not path.is_absolute():
        raise Rejected(
            f"{uri}: the environment 'local' stores under file:///… or an absolute path only",
            hint=_advice(uri),
        )
    return path


def _advice(uri: str) -> str | None:
    kind = environment_for(uri)
    package = package_of(Environment.seam, kind) if kind else None
    return f"set environment: {{type: {kind}}}; {install_hint(package)}" if package else None


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as data:
            shutil.copyfileobj(data, out)
        part.chmod(0o644)
        part.replace(target)
    except BaseException:
        part.unlink()
        raise


@hookimpl
def launchkit_environments() -> list[type[Environment]]:
    """Offer the environment."""
    return [LocalEnvironment]
