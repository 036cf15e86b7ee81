"""What the end of a run means."""

import ast
import re
import signal
from pathlib import Path

import pytest

import launchkit
from launchkit import errors
from launchkit.codec import plain
from launchkit.model import RunState, Verdict, VerdictCode
from launchkit.runners.verdicts import MAX_REASON, Reason, of_exit, reason_of, status_of

PACKAGE = Path(launchkit.__file__).parent
PAGE = PACKAGE.parent / "docs" / "reference" / "errors.md"


@pytest.mark.parametrize(
    ("code", "wanted", "summary"),
    [
        (0, "ok", "The container ended well."),
        (1, "user_exit", "The container ended with exit code 1."),
        (128, "user_exit", "The container ended with exit code 128."),
        (255, "user_exit", "The container ended with exit code 255."),
        (128 + signal.SIGTERM, "killed_by_signal", "The container was ended by SIGTERM."),
        (-signal.SIGTERM, "killed_by_signal", "The container was ended by SIGTERM."),
        (128 + signal.SIGRTMIN + 1, "killed_by_signal", "The container was ended by signal 35."),
    ],
)
def test_an_exit_code_tells_how_it_ended(code: int, wanted: str, summary: str) -> None:
    verdict = of_exit(code, what="container", evidence=["the end"])
    assert (verdict.code, verdict.summary) == (wanted, summary)
    assert verdict.evidence == (() if code == 0 else ("the end",))


@pytest.mark.parametrize("code", [0, 1, 137])
def test_lack_of_memory_is_told_whatever_the_exit_code_is(code: int) -> None:
    verdict = of_exit(code, out_of_memory=True)
    assert verdict.code == "oom_killed"
    assert "memory" in str(verdict.hint)


def test_a_kill_that_nobody_explains_has_a_hint() -> None:
    assert "memory" in str(of_exit(137).hint)
    assert of_exit(128 + signal.SIGHUP).hint is None


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("ok", "finished"),
        ("stopped", "stopped"),
        ("preempted", "preempted"),
        ("oom_killed", "failed"),
        ("a_plugins_own", "failed"),
    ],
)
def test_the_state_follows_from_the_verdict(code: str, state: str) -> None:
    status = status_of(Verdict(code=code, summary="It ended."), 3)
    assert (status.state, status.exit_code, status.message) == (RunState(state), 3, "It ended.")


REASONS = (
    Reason("no space left", VerdictCode.SUBMIT_FAILED, "clear the disk"),
    Reason("no .* left", VerdictCode.NO_SUCH_DEVICE),
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("write: No space left on device", VerdictCode.SUBMIT_FAILED),
        ("no GPU left", VerdictCode.NO_SUCH_DEVICE),
        ("x" * MAX_REASON + "no GPU left", VerdictCode.NO_SUCH_DEVICE),
        ("something else", None),
    ],
)
def test_the_first_reason_that_a_text_tells_of_counts(
    text: str, wanted: VerdictCode | None
) -> None:
    found = reason_of(text, REASONS)
    assert (found.code if found else None) == wanted


def test_a_long_foreign_text_is_looked_at_in_part() -> None:
    text = "x" * MAX_REASON + "no GPU left" + "x" * MAX_REASON
    assert reason_of(text, REASONS) is None


def test_a_code_is_stored_as_its_word() -> None:
    stored = plain(of_exit(1))
    assert type(stored["code"]) is str  # type: ignore[index]
    assert stored["code"] == "user_exit"  # type: ignore[index]


def test_the_page_has_a_row_for_each_code_and_for_no_other() -> None:
    section = PAGE.read_text().partition("\n## Verdicts\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| .+ \|$", section, re.MULTILINE)
    assert rows == [*VerdictCode]


def test_each_code_tells_what_it_means() -> None:
    (cls,) = (
        node
        for node in ast.parse((PACKAGE / "model" / "verdicts.py").read_text()).body
        if isinstance(node, ast.ClassDef)
    )
    pairs = [*zip(cls.body[1::2], cls.body[2::2], strict=True)]
    assert len(pairs) == len(VerdictCode)
    for name, text in pairs:
        assert isinstance(name, ast.Assign)
        assert isinstance(text, ast.Expr)


def test_each_error_of_a_launch_has_its_code_among_them() -> None:
    named = [cls for cls in vars(errors).values() if isinstance(cls, type)]
    launch = [cls for cls in named if issubclass(cls, errors.LaunchError)]
    assert {cls.code for cls in (*launch, errors.PluginError)} <= {*VerdictCode}
