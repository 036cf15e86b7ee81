"""Log lines, for people and for machines."""

import io
import json
import logging
import subprocess
import sys

import pytest
from agent.conftest import Bench
from waiting import PATIENCE

from launchkit.observe import formatter_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def line(level: int, text: str, **more: object) -> logging.LogRecord:
    record = logging.LogRecord("launchkit.agent", level, "", 1, text, (), None)
    record.created, record.msecs = 0.0, 0.0
    record.__dict__ |= more
    return record


@pytest.mark.parametrize(
    ("wanted", "stream", "human"),
    [
        ("auto", Terminal(), True),
        ("auto", io.StringIO(), False),
        ("human", io.StringIO(), True),
        ("json", Terminal(), False),
    ],
)
def test_people_on_a_terminal_get_text_others_json(
    wanted: str, stream: io.StringIO, human: bool
) -> None:
    text = formatter_for(wanted, stream).format(line(logging.INFO, "hi"))  # type: ignore[arg-type]
    assert (text == "1970-01-01T00:00:00.000Z INFO    hi") == human
    assert text.startswith("{") != human


@pytest.mark.parametrize("wanted", ["human", "json"])
def test_no_line_has_the_password_of_an_address_whichever_package_writes_it(wanted: str) -> None:
    record = line(logging.WARNING, "cannot reach http://ann:hush@h/traces")
    error = ValueError("http://ann:hush@h/traces")
    record.exc_info = (ValueError, error, None)
    text = formatter_for(wanted, None).format(record).replace("\\u2026", "…")
    assert text.count("http://…@h/traces") == 2
    assert "hush" not in text


def test_a_json_line_has_its_action_and_ids() -> None:
    record = line(logging.INFO, "two\nlines", action="claim", item="i", attempt=2, queue="q")
    assert json.loads(formatter_for("json", io.StringIO()).format(record)) == {
        "time": "1970-01-01T00:00:00.000Z",
        "level": "INFO",
        "logger": "launchkit.agent",
        "action": "claim",
        "message": "two\nlines",
        "item": "i",
        "queue": "q",
        "attempt": 2,
    }


async def test_an_agent_names_the_item_run_and_queue(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "launchkit.agent")
    run = await bench.launch("print(1)")
    async with bench.agent() as agent:
        await bench.ended(run)
    (told,) = [vars(record) for record in caplog.records if vars(record)["action"] == "claim"]
    ids = {name: told[name] for name in ("agent", "item", "run_id", "queue", "attempt")}
    assert ids == {
        "agent": agent.name,
        "item": run.id,
        "run_id": run.item.run_id,
        "queue": "q",
        "attempt": 1,
    }


def test_the_program_writes_json_lines_into_a_pipe() -> None:
    """The second says that its queue's file is made."""
    words = [sys.executable, "-m", "launchkit", "agent", "-q", "none", "--metrics-port", "0"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)
    lines = [json.loads(text) for text in done.stderr.splitlines() if text.startswith("{")]
    assert [told["action"] for told in lines][:3] == ["start", "start", "listen"]
    assert {"time", "level", "logger", "message", "action", "agent"} <= set(lines[0])
