"""What `launchkit doctor` finds, on real queues and with real components."""

import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import anyio
import pytest
from cli.conftest import Program

from launchkit import connect
from launchkit.abc import Fetcher, Finding, Run, Runner, Site
from launchkit.agent.checkup import checkup
from launchkit.builtin.git import GitFetcher
from launchkit.cli.doctor import tell
from launchkit.hookspecs import hookimpl
from launchkit.model import Json, Submission, Variable
from launchkit.plugins import Plugins
from launchkit.settings import AgentSettings


@dataclass(kw_only=True)
class SilentFetcher(GitFetcher):
    """One that waits for something that does not answer."""

    kind: ClassVar[str] = "silent"

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        await anyio.sleep_forever()


@hookimpl
def launchkit_fetchers() -> list[type[Fetcher]]:
    return [SilentFetcher]


@dataclass(kw_only=True)
class Asked(Runner):
    """Tells what it was shown of a queue."""

    kind: ClassVar[str] = "asked"

    async def submit(self, submission: Submission) -> Run:
        raise NotImplementedError

    async def check_queue(self, args: Json) -> Sequence[Finding]:
        return [Finding(level="ok", subject="asked", message=f"place {args['place']}")]


@dataclass(kw_only=True)
class Faulty(Asked):
    """Breaks over a queue."""

    kind: ClassVar[str] = "faulty"

    async def check_queue(self, args: Json) -> Sequence[Finding]:
        raise KeyError("place")


@hookimpl
def launchkit_runners() -> list[type[Runner]]:
    return [Asked, Faulty]


def levels(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["subject"]: row["level"] for row in rows}


@pytest.fixture(autouse=True)
def only_what_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other packages find depends on the machine."""
    monkeypatch.setenv("LAUNCHKIT_BLOCK_PLUGINS", "docker,kubernetes")


def test_all_parts_are_well_where_no_queue_is_named(program: Program) -> None:
    found = levels(program.data("doctor"))
    assert found["queue backend"] == found["builder"] == found["git"] == "ok"
    assert found["fetcher archive"] == found["settings"] == "ok"
    assert "error" not in found.values()


def test_queues_are_looked_for_and_all_errors_are_told_at_once(queue: Program) -> None:
    config = queue.file("c.yaml", "queues: [q, nowhere]\nrunners: {kubernetes: {}}\n")
    rows = queue.data("--config", config, "doctor", code=1)
    found = levels(rows)
    assert (found["queue q"], found["queue nowhere"]) == ("ok", "error")
    assert found["runner kubernetes"] == "error"
    assert found["git"] == found["queue backend"] == "ok"


def test_a_paused_queue_is_a_warning(queue: Program) -> None:
    queue("queue", "pause", "q", "--reason", "repairs")
    config = queue.file("c.yaml", "queues: [q]\n")
    rows = queue.data("--config", config, "doctor")
    (row,) = [row for row in rows if row["subject"] == "queue q"]
    assert row["level"] == "warning"
    assert "repairs" in row["message"]


@pytest.mark.parametrize(
    ("text", "subject", "problem"),
    [
        ("max_jobs: many", "settings", "c.yaml:1: max_jobs"),
        ("entity: [", "settings", "not valid YAML"),
        ("backend: mysql://x", "queue backend", "there is no queue backend 'mysql'"),
        ("registry: {type: nowhere}", "settings", "registry.type: there is no registry 'nowhere'"),
        ("registry: {type: moon}", "registry moon", "'moon' is not installed"),
        ("state_dir: /proc/none", "state_dir", "/proc/none"),
        ("cache_dir: /proc/none", "cache_dir", "/proc/none"),
        ("backend: sqlite:////proc/none/x.db", "queue backend", "/proc/none"),
    ],
)
def test_what_is_wrong_is_a_finding(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    moon: None,
    text: str,
    subject: str,
    problem: str,
) -> None:
    monkeypatch.delenv("LAUNCHKIT_BACKEND")
    config = program.file("c.yaml", text)
    rows = program.data("--config", config, "doctor", code=1)
    row = next(row for row in rows if row["level"] == "error")
    assert row["subject"] == subject
    assert problem in row["message"]


@pytest.mark.reported("F10a")
@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        ("socks5://127.0.0.1:1", "queues.invalid"),
        ("socks4://127.0.0.1:1", "HTTP_PROXY: its scheme"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_the_finding_of_those_who_need_it(
    program: Program, monkeypatch: pytest.MonkeyPatch, proxy: str, problem: str
) -> None:
    monkeypatch.delenv("LAUNCHKIT_BACKEND")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "fd00::/8")
    config = program.file("c.yaml", "backend: http://queues.invalid\nqueues: [q]")
    rows = program.data("--config", config, "doctor", code=1)
    assert levels(rows)["git"] == "ok"
    assert any(problem in row["message"] for row in rows if row["level"] == "error")


def test_authorities_that_are_not_there_are_the_finding_of_those_who_need_them(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAUNCHKIT_BACKEND")
    monkeypatch.setenv("SSL_CERT_FILE", "/nothing")
    config = program.file("c.yaml", "registry: {type: oci, uri: 127.0.0.1:1/x}")
    rows = program.data("--config", config, "doctor", code=1)
    assert levels(rows)["git"] == "ok"
    (row,) = (row for row in rows if row["subject"] == "registry oci")
    assert row["message"].startswith("$SSL_CERT_FILE: /nothing: No such file")
    said = program("--backend", "https://queues.invalid", "ls", code=3).stderr
    assert said.startswith("error config_invalid  $SSL_CERT_FILE: /nothing: No such file")


def test_the_table_has_the_hint_of_an_error(program: Program, moon: None) -> None:
    config = program.file("c.yaml", "registry: {type: moon}")
    text = program.out("--config", config, "doctor", code=1)
    assert text.splitlines()[0].split() == ["LEVEL", "SUBJECT", "MESSAGE", "HINT"]
    assert "pip install launchkit-moon" in text


def test_a_hint_of_several_lines_stands_below_the_table_to_be_copied(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hint = "give it this:\nrules:\n  - verbs: [get]\x1b[2J\n"
    found = Finding(level="error", subject="rights", message="missing", hint=hint)
    tell([found], "table")
    table, _, below = capsys.readouterr().out.partition("\n\n")
    assert table.endswith("missing  give it this: see below")
    assert below == "# rights: give it this:\nrules:\n  - verbs: [get]\\x1b[2J\n"
    tell([found], "json")
    assert json.loads(capsys.readouterr().out)[0]["hint"] == hint


def test_a_broken_or_blocked_plugin_is_a_warning(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAUNCHKIT_BLOCK_PLUGINS", "docker,git")
    found = levels(program.data("doctor"))
    assert found["plugin git"] == "warning"
    assert "git" not in found


async def test_a_part_that_does_not_answer_is_an_error_and_the_others_are_looked_at(
    tmp_path: Path,
) -> None:
    settings = AgentSettings(backend=f"sqlite:///{tmp_path}/queue.db", state_dir=tmp_path)
    plugin = ModuleType("silent")
    plugin.__dict__["launchkit_fetchers"] = launchkit_fetchers
    found = await checkup(settings, Plugins(plugin), patience=1.0)
    told = {finding.subject: finding for finding in found}
    assert told["fetcher silent"].message == "it did not answer within 1 seconds"
    assert "fetcher archive" in told
    assert list(tmp_path.glob("checkup-*")) == []


async def test_runners_are_asked_about_the_configs_of_the_queues(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/queue.db"
    plugin = ModuleType("asks")
    plugin.__dict__["launchkit_runners"] = launchkit_runners
    plugins = Plugins(plugin)
    async with connect(url, plugins=plugins) as client:
        for kind in ("asked", "faulty"):
            config, variables = {"place": "{{where}}"}, {"where": Variable(type="string")}
            await client.create_queue(kind, kind, config, variables=variables)
    settings = AgentSettings(
        backend=url, queues=("not-there", "asked", "faulty"), state_dir=tmp_path
    )
    told = {finding.subject: finding for finding in await checkup(settings, plugins)}
    assert told["asked"].message == "place {{where}}"
    assert told["config of queue faulty"].level == "error"
    assert "KeyError" in told["config of queue faulty"].message
    assert told["queue not-there"].level == "error"
