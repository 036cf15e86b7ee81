"""Processes that have the system tell as much of them as they want."""

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from local_process.runs import Make, processes_of
from waiting import until

from launchkit.builtin.local_process.rundir import RunDir
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.builtin.local_process.traces import MOST_FILES, Traces
from launchkit.supervision.forks import PROGRAM
from launchkit.supervision.processes import MARK, MOST_TOLD, tagged
from launchkit.supervision.spec import MOST_SPEC

SIZE = 32 * 1024**2
MOST_MEMORY = 4 * 1024**2
NAME = "lk-1"
LARGE = """
import ctypes, mmap, sys
fields = open("/proc/self/stat").read().rpartition(")")[2].split()
code, end_code, stack = map(int, fields[23:26])
data, end_data, brk = map(int, fields[42:45])
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.sbrk.restype = ctypes.c_void_p
libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *4 * (ctypes.c_int,))
PRIVATE_ANONYMOUS_NORESERVE = 0x4022
size = int(sys.argv[1])
at = libc.mmap(None, size, mmap.PROT_READ, PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
pairs = (at, at + size, at, at + size)
values = (code, end_code, data, end_data, brk, libc.sbrk(0), stack, *pairs, 0)
# struct prctl_mm_map: addresses, the size of the auxiliary vector and the program's file
map = (ctypes.c_uint64 * 13)(*values, 0xFFFFFFFF << 32)
PR_SET_MM, PR_SET_MM_MAP = 35, 14
error = libc.prctl(PR_SET_MM, PR_SET_MM_MAP, map, ctypes.sizeof(map), 0)
print(ctypes.get_errno() if error else "ok", flush=True)
input()
"""
"""As prctl(2) has it: what the system tells as its command line and environment is so large."""
MARKED = """
import os, sys
for _ in range(int(sys.argv[1])):
    os.dup(0)
os.memfd_create(sys.argv[2])
print("ok", flush=True)
input()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl is of Linux")


@contextmanager
def process(*arguments: str) -> Iterator[str]:
    """While it lives; gives its first word."""
    command = [sys.executable, "-c", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout
        try:
            yield one.stdout.readline().strip()
        finally:
            one.kill()


@pytest.mark.parametrize(
    "look",
    [lambda: tagged(b"lk-1.0"), lambda: Traces.sought(Path("/nowhere") / NAME)],
    ids=["by its tag", "by its directory"],
)
def test_a_process_that_has_much_told_of_itself_takes_no_memory_of_who_looks_for_a_run(
    look: Callable[[], object],
) -> None:
    with process(LARGE, str(SIZE)) as word:
        if word != "ok":
            pytest.skip(f"the kernel lets no process say so: error {word}")
        tracemalloc.start()
        try:
            look()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < MOST_MEMORY


async def test_a_run_is_known_by_its_tag_however_large_its_environment_is(
    runner: LocalProcessRunner, make: Make
) -> None:
    submission = make("sleep", "300", env={"LARGE": "x" * MOST_TOLD})
    run = await runner.submit(submission)
    try:
        tag = RunDir(Path(run.ref)).tag()
        assert tag
        await until(lambda: processes_of(submission) == tagged(tag) != [])
    finally:
        await run.cancel(0.1)


@pytest.mark.parametrize("entry", [b"\0", b"ab\0", b"abc=\0", b"try=\0", b"try=ab\0"])
def test_a_description_that_a_run_has_written_over_takes_little_memory(
    tmp_path: Path, entry: bytes
) -> None:
    (tmp_path / "spec").write_bytes(entry * (4 * MOST_SPEC // len(entry)))
    tracemalloc.start()
    try:
        spec = RunDir(tmp_path).spec
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert {*spec} <= {"try"}
    assert most < 25 * MOST_SPEC


@pytest.mark.parametrize(("others", "is_found"), [(0, True), (2 * MOST_FILES, False)])
def test_of_the_open_files_of_a_process_only_the_first_tell_whose_supervisor_it_is(
    others: int, *, is_found: bool
) -> None:
    with process(MARKED, str(others), MARK + NAME, PROGRAM) as word:
        assert word == "ok"
        found = Traces.sought(Path("/nowhere") / NAME)
    assert (found.watcher is not None) is is_found
