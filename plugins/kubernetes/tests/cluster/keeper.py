"""A process that runs a cluster while others use it: `python -m cluster.keeper FOLDER`.

It closes its output when the cluster can be used; before that it prints only errors. Files in the
folder: `access.json` says how to use it; who uses it holds a shared lock on `users`, and the keeper
holds one on `keeper`. The kernel takes a lock from who dies, so that no end goes unnoticed.
"""

import fcntl
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from .cluster import Cluster, running

ACCESS, KEEPER, USERS = "access.json", "keeper", "users"


def keep(folder: Path) -> None:
    """Run a cluster until nobody uses it."""
    with (folder / KEEPER).open("a") as keeper, (folder / USERS).open("a") as users:
        fcntl.flock(keeper, fcntl.LOCK_EX)
        with running(Cluster(node=True)) as cluster:
            access = folder / ACCESS
            access.write_text(json.dumps(asdict(cluster.access())))
            _close_output()
            fcntl.flock(users, fcntl.LOCK_EX)
            access.unlink()


def _close_output() -> None:
    with Path(os.devnull).open("w") as nothing:
        for number in (1, 2):
            os.dup2(nothing.fileno(), number)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
