"""Azurite: Blob Storage on this machine, over TLS, with keys, signatures and tokens."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import NoReturn

import pytest

from launchkit.testing.waiting import PATIENCE

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's, which everybody knows."""
PROGRAM = "azurite-blob"
TOLD = os.environ.get("LAUNCHKIT_AZURITE_BIN")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
FOLDER = Path(TOLD or CACHE / "launchkit-azurite" / "node_modules" / ".bin")
"""Looked up when this is imported: a test has a home of its own."""
LISTENS = re.compile(r"listen(?:s|ing) (?:at|on) (https?://\S+)")


@dataclass(frozen=True)
class Azurite:
    """Blob Storage that runs."""

    url: str
    """Accounts are in its path."""
    ca: Path | None

    def address(self, container: str, name: str) -> str:
        """As it is called in Azure."""
        return f"https://{ACCOUNT}.blob.core.windows.net/{container}/{name}"


@contextmanager
def azurite(folder: Path, certificate: Path | None = None) -> Iterator[Azurite]:
    """It, for the time of the context; over TLS, and with tokens of Entra ID, if there is a
    *certificate*, with its key and its authority. A test that lacks the program is skipped.
    """
    program = shutil.which(PROGRAM, path=f"{FOLDER}:{os.environ['PATH']}")
    if program is None:
        _give_up()
    folder.mkdir(parents=True, exist_ok=True)
    secure: tuple[str, ...] = ()
    if certificate:
        secure = ("--oauth", "basic", "--cert", str(certificate), "--key", str(certificate))
    place = ("--blobHost", "127.0.0.1", "--blobPort", "0")
    quiet = ("--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck")
    log = folder / "azurite.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [program, *place, *quiet, *secure], stdout=written, stderr=written, cwd=folder
        )
    try:
        yield Azurite(_url(log, process), certificate and certificate.with_name("ca.pem"))
    finally:
        process.kill()
        process.wait()


def _url(log: Path, process: "subprocess.Popen[bytes]") -> str:
    late = monotonic() + PATIENCE
    while monotonic() < late and process.poll() is None:
        if found := LISTENS.search(log.read_text()):
            return found[1].rstrip("/")
        sleep(0.05)
    raise RuntimeError(f"Azurite does not start:\n{log.read_text()}")


def _give_up() -> NoReturn:
    if TOLD is not None:
        pytest.fail(f"LAUNCHKIT_AZURITE_BIN is set, and {PROGRAM} is missing there")
    pytest.skip(f"missing: {PROGRAM}; `npm install azurite` provides it")
