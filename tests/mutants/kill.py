"""Tries a contract suite on mutants, each in a process that is forked from one that is warm."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from json import loads
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mutants import trial
from mutants.table import Mutant, Result

SECONDS = 900.0
"""How long a suite may take; a mutant that makes it hang is not caught."""
AT_ONCE = os.cpu_count() or 1


def tried(seam: str, mutants: Iterable[Mutant]) -> Iterator[Result]:
    """What the suite says of each, in order."""
    context = _warm()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(partial(_try, context, seam), mutants)


def _warm() -> ForkServerContext:
    """What forks from a process that has imported all; it finds our modules as this one does."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["mutants.warm"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(trial.HERE.parent), prepend=os.pathsep)
        forkserver.ensure_running()
    return context


def _try(context: ForkServerContext, seam: str, mutant: Mutant) -> Result:
    """:raises RuntimeError: if the suite cannot be run at all."""
    began = time.monotonic()
    with TemporaryDirectory(prefix="launchkit-mutant-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        process = context.Process(target=trial.run, args=(seam, mutant.defect, place))
        process.start()
        process.join(SECONDS)
        code = process.exitcode
        with suppress(ProcessLookupError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        test, message = _report(place)
    if code is None:
        test, message = None, f"the suite hangs for {SECONDS:g} seconds"
    elif code not in {0, 1}:
        raise RuntimeError(f"{seam}: {mutant.defect}: {code}: {message}")
    return Result(mutant, test, message, time.monotonic() - began)


def _report(place: Path) -> tuple[str | None, str]:
    """The test that failed, and its message; or what the run said when it was ended as a whole."""
    with suppress(FileNotFoundError):
        test, message = loads((place / "report").read_text())
        return test, message
    said = (place / "said").read_text()
    if "::test_" not in said:
        return None, ""
    test, _, message = said.rpartition("::")[2].partition(": ")
    return test, message.strip()
