"""The processes of local runs, as the operating system tells."""

from contextlib import suppress
from pathlib import Path

from launchkit.supervision.processes import TAG


def tagged(name: str) -> list[int]:
    """The live processes that have a tag of the run of that name."""
    wanted = f"{TAG}={name}.".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if any(entry.startswith(wanted) for entry in path.read_bytes().split(b"\0")):
                found.append(int(path.parent.name))
    return found
