"""Whether local processes can be run here."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from launchkit.abc import Finding
from launchkit.supervision import cgroup

LOW_DISK_BYTES = 1 << 30


def findings(root: Path) -> Sequence[Finding]:
    """Whether runs can be written, watched and ended as a whole here."""
    if not os.access(root, os.W_OK):
        return [Finding(level="error", subject="runs", message=f"{root} is not writable")]
    free = shutil.disk_usage(root).free
    disk = Finding(
        level="ok" if free > LOW_DISK_BYTES else "warning",
        subject="runs",
        message=f"their directory is writable, {free / 2**30:.1f} GiB free",
    )
    if hasattr(os, "pidfd_open") and Path("/proc/self/environ").exists():
        watch = Finding(level="ok", subject="processes", message="can be watched and found")
    else:
        watch = Finding(
            level="warning",
            subject="processes",
            message="no pidfd or no /proc here: ends are seen later, and processes that leave"
            " their group are not found",
            hint="run the agent on Linux 5.3 or later",
        )
    return [disk, watch, _group_finding()]


def _group_finding() -> Finding:
    if home := cgroup.home():
        message = f"each run has a cgroup of its own in {home}"
        return Finding(level="ok", subject="cgroups", message=message)
    return Finding(
        level="ok",
        subject="cgroups",
        message="none may be made here; if the process that watches a run is killed, what has"
        " cleared its environment stays",
        hint="run the agent in a systemd unit with Delegate=yes",
    )
