"""What a look at a container means."""

import time
from dataclasses import replace
from itertools import pairwise

import pytest
from launchkit_docker.containers.container import NEVER, Container
from launchkit_docker.containers.verdicts import start_failure, status_of
from launchkit_docker.engine.absences import Absences

from launchkit.model import RunState
from launchkit.runners.identity import DOCKER, RunIdentity

OURS = RunIdentity(run_id="abc", item_id="i", attempt=2, entity="e", queue="q", agent="a")


def seen(status: str, code: int = 0, *, oom: bool = False, error: str = "") -> Container:
    started = NEVER if status == "created" else "2024-01-01T00:00:00Z"
    state = {"Status": status, "ExitCode": code, "OOMKilled": oom, "StartedAt": started}
    state["Error"] = error
    state["FinishedAt"] = "2024-01-02T02:00:00.123456789+02:00"
    config = {"Tty": False, "Labels": {**DOCKER.labels(OURS), "launchkit.gpus": "0,1"}}
    return Container.of({"Id": "c0", "Name": "/one-abc-2", "State": state, "Config": config})


@pytest.mark.parametrize(
    ("look", "cancelled", "state", "code"),
    [
        (seen("created"), False, RunState.STARTING, None),
        (seen("created"), True, RunState.STOPPED, "stopped"),
        (seen("running"), True, RunState.RUNNING, None),
        (seen("paused"), False, RunState.RUNNING, None),
        (seen("exited"), False, RunState.FINISHED, "ok"),
        (seen("exited", 143), True, RunState.STOPPED, "stopped"),
        (seen("exited", 3), False, RunState.FAILED, "user_exit"),
        (seen("exited", 137), False, RunState.FAILED, "killed_by_signal"),
        (seen("exited", 137, oom=True), False, RunState.FAILED, "oom_killed"),
        (seen("exited", 0, oom=True), False, RunState.FAILED, "oom_killed"),
        (seen("exited", 126, error="what?"), False, RunState.FAILED, "submit_failed"),
        (seen("dead", 255), False, RunState.FAILED, "user_exit"),
    ],
)
def test_each_state_has_its_verdict(
    look: Container, cancelled: bool, state: RunState, code: str | None
) -> None:
    status = status_of(look, cancelled=cancelled, output=b"")
    assert status.state is state
    assert (status.verdict.code if status.verdict else None) == code


def test_what_was_ended_for_its_memory_shows_its_last_lines_whatever_its_exit_code_is() -> None:
    assert [seen("exited", code, oom=oom).failed for code, oom in ((0, True), (3, False))] == [
        True
    ] * 2
    assert not seen("exited").failed


ENDED_AT = 1704153600.123456


def test_an_end_says_how_long_it_ran_by_the_engines_clock_if_the_engine_saw_it() -> None:
    for cancelled in (False, True):
        ended = status_of(seen("exited", 3), cancelled=cancelled, output=b"")
        assert ended.ran == pytest.approx(86400.123456)
    for look, unseen in ((seen("running"), False), (seen("created"), False), (seen("dead"), True)):
        assert status_of(look, cancelled=False, output=b"", unseen=unseen).ran is None


class Away(Absences):
    """An Engine that was away some time before or after a container ended."""

    def __init__(self, *moments: float) -> None:
        super().__init__()
        for since, until in pairwise(moments):
            self._past.append((ENDED_AT + since, ENDED_AT + until))


@pytest.mark.parametrize(
    ("look", "away", "booted", "unseen"),
    [
        (seen("exited", 255), Away(-1, 1), -1e6, True),
        (seen("dead", 255), Away(-1, 1), -1e6, True),
        (seen("exited", 255), Away(-2, -1), -1e6, False),
        (seen("exited", 255), Away(), -1e6, False),
        (seen("exited", 255), Away(), -1.0, True),
        (seen("exited", 255), Away(), 1.0, False),
        (seen("exited", 1), Away(-1, 1), -1.0, False),
        (seen("exited", 0), Away(-1, 1), -1.0, False),
        (seen("running", 255), Away(-1, 1), -1.0, False),
    ],
)
def test_an_end_is_unseen_if_the_engine_was_away_or_its_machine_off(
    look: Container, away: Absences, booted: float, unseen: bool
) -> None:
    assert look.unseen(away, ENDED_AT + booted) is unseen


def test_an_end_that_was_not_seen_is_no_exit_of_the_users_program() -> None:
    status = status_of(seen("exited", 255), cancelled=False, output=b"last\n", unseen=True)
    assert status.verdict
    assert (status.state, status.verdict.code) == (RunState.FAILED, "run_lost")
    assert (status.exit_code, status.verdict.evidence) == (None, ("last",))
    assert "not known" in status.verdict.summary


def test_an_absence_lasts_until_the_engine_answers() -> None:
    absences = Absences()
    absences.end()
    began = time.time()
    assert not absences.cover(began)
    absences.begin()
    absences.begin()
    assert not absences.cover(began)
    absences.end()
    assert absences.cover(began)
    assert not absences.cover(began + 3600)


def test_a_look_is_decoded_to_one_value() -> None:
    look = seen("running")
    assert (look.name, look.started, look.over, look.failed) == ("one-abc-2", True, False, False)
    assert (look.gpus, look.identity, look.removed_at_end) == (("0", "1"), OURS, True)


@pytest.mark.parametrize("name", ["one", "abc-2", "one-abc-1", "eager_abc-2", "one-abc-2-", ""])
def test_labels_make_a_container_a_runs_only_under_the_name_of_a_run(name: str) -> None:
    look = replace(seen("created"), name=name)
    assert (look.gpus, look.identity, look.is_unstarted_run(name)) == ((), None, False)


def test_evidence_is_plain_text_whatever_was_printed() -> None:
    output = b"\x1b[31mred\x1b[0m\r\n\xff\x00end\n"
    verdict = status_of(seen("exited", 1), cancelled=False, output=output).verdict
    assert verdict
    assert verdict.evidence == ("red", "\ufffdend")


def test_what_the_engine_says_of_a_start_is_told_in_short() -> None:
    look = seen("exited", 127, error="no such file or directory " * 40_000 + ": unknown")
    verdict = status_of(look, cancelled=False, output=b"").verdict
    assert verdict
    assert verdict.code == "entry_point_not_found"
    assert verdict.summary.endswith(": unknown")
    assert len(verdict.summary) < 2100


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('exec: "nope": executable file not found in $PATH', "entry_point_not_found"),
        ('exec: "/x": permission denied', "entry_point_not_executable"),
        ("could not select device driver with capabilities: [[gpu]]", "no_such_device"),
        ("Bind for 0.0.0.0:80 failed: port is already allocated", "port_in_use"),
        ("network nope not found", "no_such_network"),
        ("something else", None),
        ("no such file or directory " * 40_000, None),
        ("exec:" * 200_000, None),
        ("network " * 125_000, None),
    ],
    ids=range(9),
)
def test_a_refused_start_has_a_code(message: str, code: str | None) -> None:
    reason = start_failure(message)
    assert (reason.code if reason else None) == code
