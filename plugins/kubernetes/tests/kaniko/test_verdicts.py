"""What is told of builds that fail, in the words of Kaniko."""

import pytest
from launchkit_kubernetes.kaniko.progress import Progress
from launchkit_kubernetes.kaniko.verdicts import build_error

from launchkit.images.steps import MOST_STEPS
from launchkit.model import RunState, RunStatus, Verdict, VerdictCode
from launchkit.plain_text import TAIL_BYTES, tail_lines
from launchkit.testing import RecordingOutput

REF = "registry.example.com/image:tag"


def failed(code: VerdictCode = VerdictCode.USER_EXIT, exit_code: int | None = 1) -> RunStatus:
    summary = "The container ended with exit code 1."
    verdict = Verdict(code=code, summary=summary)
    return RunStatus(state=RunState.FAILED, exit_code=exit_code, message=summary, verdict=verdict)


CHECK = (
    "error checking push permissions -- make sure you entered the correct tag name, and that you"
    ' are authenticated correctly, and try again: checking push permission for "r/i:t":'
    " UNAUTHORIZED: authentication required"
)
DENIED = (
    "error pushing image: failed to push to destination r/i:t: PUT https://r/v2/: DENIED:"
    " requested access to the resource is denied"
)
SOURCE = "error resolving source context: getting source context: failed to get build context: 403"
FULL = "error building image: failed to take snapshot: write /kaniko/1: no space left on device"
PARSE = (
    "error building image: parsing dockerfile: dockerfile parse error: unknown instruction: RUNN"
)
KILLED = "error building image: waiting for process to exit: signal: killed"
ADVICE = {
    PARSE: "correct the Dockerfile",
    FULL: "free the disk of the node",
    CHECK: "credentials",
    DENIED: "credentials",
    SOURCE: "may the build's pod read it",
    KILLED: "limits.memory",
    "exec /bin/sh: exec format error": "another processor architecture",
}


@pytest.mark.parametrize(("printed", "advice"), ADVICE.items())
def test_what_the_executor_says_last_decides_the_advice(printed: str, advice: str) -> None:
    error = build_error(REF, failed(), printed.encode(), None)
    assert printed in error.message
    assert advice in (error.hint or "")


def test_a_build_that_ran_out_of_memory_says_so() -> None:
    error = build_error(REF, failed(VerdictCode.OOM_KILLED, 137), b"INFO[0009] RUN x\n", "RUN x")
    assert "RUN x: it ran out of memory" in error.message
    assert "limits.memory" in (error.hint or "")


def test_a_refused_push_names_the_registry_and_not_the_last_step() -> None:
    said = b"error pushing image: UNAUTHORIZED: authentication required"
    error = build_error(REF, failed(), said, "COPY . /src")
    assert "registry.example.com refused the push" in error.message
    assert "COPY" not in error.message


def test_an_image_of_the_executor_that_cannot_be_had_is_what_to_look_at() -> None:
    verdict = Verdict(code=VerdictCode.CONFIG_ERROR, summary="the image's name is invalid")
    status = RunStatus(state=RunState.FAILED, message=verdict.summary, verdict=verdict)
    assert "kaniko-image" in (build_error(REF, status, b"", None).hint or "")


async def test_steps_are_marked_as_they_begin() -> None:
    out = RecordingOutput()
    progress = Progress(out)
    for data in (b"INFO[0001] Using dockerignore\nINFO[0002] RUN pip ", b"install x\nout", b"\n"):
        await progress.take(data)
    assert out.marks == ["RUN pip install x"]
    assert progress.step == "RUN pip install x"
    assert out.text.endswith("install x\nout\n")


async def test_what_a_step_prints_fills_no_timeline_however_much_looks_like_a_step() -> None:
    out = RecordingOutput()
    progress = Progress(out)
    await progress.take(b"INFO[0002] RUN forged\n" * 5000)
    assert len(out.marks) == MOST_STEPS + 1


async def test_what_is_kept_of_a_build_says_where_it_was_cut() -> None:
    progress = Progress(RecordingOutput())
    for data in (b"begin-0123456789-end\n", b"x" * (TAIL_BYTES - 10)):
        await progress.take(data)
    assert tail_lines(progress.printed) == ("…", f"… ({TAIL_BYTES - 10} characters)")
