"""Run git so that it never asks, never outlives its caller and never tells a password."""

import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import anyio
from anyio.abc import Process

from launchkit.addresses import HIDDEN, masked
from launchkit.builtin.git_output import Output, output
from launchkit.errors import FetchError

TETHER = """
umask 022
ulimit -c 0
ulimit -d "$1" 2>/dev/null
shift
exec 3<&0 </dev/null
"$@" 3<&- & git=$!
(read -r _ <&3; kill -KILL 0) & watch=$!
wait $git; code=$?
{ kill $watch; wait $watch; } 2>/dev/null
exit $code
"""
"""A shell that runs git, and kills it with all that it has started when the agent dies, however
that happens: then its end of the pipe is closed. What is fetched may be read by all, whatever the
agent's umask is, for the user in a container is another one. No core is dumped: it would stand in
the code, with the agent's environment. What git
maps of its packs, and what others reserve without writing to it, does not count as memory.
"""
NOT_FOUND = 127
KILL_SECONDS = 5.0
NOWHERE = Path("/")
"""Where git runs that is about no directory: where its caller stands may be somebody's code."""
NO_PROGRAMS = tuple(
    word
    for setting in (
        "safe.bareRepository=explicit",
        "core.fsmonitor=false",
        "core.hooksPath=/dev/null",
    )
    for word in ("-c", setting)
)
"""Settings that came with somebody's code, as a bare repository in it, start nothing. git before
2.38 does not know the first; the last is for users whose hooks are in each repository's own files.
"""
ERROR_BYTES = 64 * 1024
OUTPUT_BYTES = 64 * 1024**2
"""A hundred for each of half a million branches and tags."""
MEMORY_BYTES = 2 * 1024**3
"""For each process of git's: a fetch of a million files and directories takes a fifth of it."""
STACK_BYTES = 8 * 1024**2
"""What each thread takes of that; git has as many as the machine has processors."""

REPOSITORY_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""They would point git at the repository that the agent was started from, inside a git hook, or
`git config` alone at another file."""

TRACES = ("GIT_TRACE", "GIT_CURL_VERBOSE")
"""How the variables begin with which git tells what it does, in the place of why it failed."""
BATCH = " -o BatchMode=yes"
_COMMANDS = re.compile(
    r"credential\.|filter\.|core\.(?:sshcommand|askpass|gitproxy|alternaterefscommand)$|http\."
)
SHORTEST = 4
"""Characters of a command that is not told."""

HINTS = (
    (
        ("could not read Username", "could not read Password", "Authentication failed", "403"),
        "give the agent access: a git credential helper on its machine, or an ssh address",
    ),
    (
        ("Permission denied (publickey", "Host key verification failed"),
        "give the agent a key (ssh-agent or ~/.ssh) and the host's key in known_hosts",
    ),
    (
        ("not found", "does not exist", "does not appear to be a git repository"),
        "check the address, and that the agent may read the repository",
    ),
    (
        ("Out of memory", "out of memory", "mmap failed", "unable to create thread"),
        "each process of git's may have a bounded amount of memory; is the repository that large?",
    ),
    (
        ("resolve host", "onnect to", "Connection refused", "timed out", "unreachable"),
        "the server could not be reached from the machine that asked; try again later",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Git:
    """git with settings for one remote; `subject` stands in front of error messages."""

    subject: str
    options: tuple[str, ...] = ()
    environ: Mapping[str, str] | None = None
    commands: tuple[str, ...] = ()
    """Texts of the agent's owner that no error tells."""
    memory_bytes: int = MEMORY_BYTES

    async def run(self, *args: str, cwd: Path | None = None) -> str:
        """Run one git command and give what it printed; *cwd* is the repository it is about.

        :raises FetchError: if it fails, with git's own last words.
        """
        words = [*self.options, *args]
        code, out, err = await _run(words, cwd, self.environ, self.memory_bytes)
        if code != 0:
            raise self.failure(err)
        return out

    def failure(self, err: str) -> FetchError:
        """The error for what git printed on its way out."""
        hint = next((hint for marks, hint in HINTS if any(mark in err for mark in marks)), None)
        for command in self.commands:
            err = err.replace(command, HIDDEN)
        return FetchError(f"{self.subject}: {masked(_last_words(err))}", hint=hint)


def git_words(*args: str) -> list[str]:
    """The command that runs git, whoever starts it."""
    return ["git", *NO_PROGRAMS, *args]


async def quiet_environment() -> Mapping[str, str]:
    """The agent's environment, changed so that neither git nor ssh waits for a person."""
    environ = {
        name: text
        for name, text in os.environ.items()
        if name not in REPOSITORY_VARIABLES and not name.startswith(TRACES)
    }
    environ |= {
        "GIT_ASKPASS": "",
        "GIT_TEMPLATE_DIR": "",  # submodules would have the owner's
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "SSH_ASKPASS_REQUIRE": "never",
    }
    if "GIT_SSH" not in environ:
        ssh = environ.get("GIT_SSH_COMMAND")
        if not ssh:
            _, out, _ = await _run(["config", "--get", "core.sshCommand"], None, environ)
            ssh = out.strip() or "ssh"
        environ["GIT_SSH_COMMAND"] = f"{ssh}{BATCH}"
    return environ


async def owners_commands(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Commands in git's settings and in *environ*, and other texts that may have a secret in them:
    git and shells tell them in messages of errors, some at the will of who writes the code.
    """
    _, out, _ = await _run(["config", "--list", "--null"], NOWHERE, environ)
    settings = (setting.partition("\n") for setting in out.split("\0"))
    found = [text for name, _, text in settings if _COMMANDS.match(name)]
    pieces = (piece.strip() for text in found for piece in text.removeprefix("!").split("%f"))
    ssh = environ.get("GIT_SSH_COMMAND", "ssh").removesuffix(BATCH)
    kept = {piece for piece in (*pieces, ssh) if len(piece) >= SHORTEST}
    return tuple(sorted(kept, key=len, reverse=True))


async def _run(
    args: Sequence[str],
    cwd: Path | None,
    environ: Mapping[str, str] | None,
    memory_bytes: int = MEMORY_BYTES,
) -> tuple[int, str, str]:
    _check_ends_are_seen()
    with ExitStack() as stack:
        try:
            out = stack.enter_context(output(OUTPUT_BYTES, OUTPUT_BYTES))
            err = stack.enter_context(output(ERROR_BYTES, OUTPUT_BYTES))
        except OSError as exc:
            raise FetchError(f"git cannot be started: {exc.strerror}") from exc
        words = [str(_kib(memory_bytes)), *git_words(*args)]
        process = await _begin(words, cwd or NOWHERE, environ, out, err)
        try:
            code = await _end_of(process, out, err)
        except BaseException:
            await _end_group(process)
            raise
        finally:
            with anyio.move_on_after(KILL_SECONDS, shield=True):
                assert process.stdin  # noqa: S101 - for the type checker
                await process.stdin.aclose()
        if code == NOT_FOUND:
            raise FetchError(
                "git is not installed on this machine, or not on its PATH",
                hint="install git (for example: apt-get install git) where the agent runs",
            )
        return code, out.text, err.text


def _kib(memory_bytes: int) -> int:
    return (memory_bytes + STACK_BYTES * (os.cpu_count() or 1)) // 1024


async def _begin(
    arguments: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str] | None,
    out: Output,
    err: Output,
) -> Process:
    try:
        with anyio.CancelScope(shield=True):  # what is half begun could not be ended
            process = await anyio.open_process(
                ["/bin/sh", "-c", TETHER, "sh", *arguments],
                stdin=PIPE,
                stdout=out.writing,
                stderr=err.writing,
                cwd=cwd,
                env=environ,
                start_new_session=True,
            )
    except OSError as exc:
        raise FetchError(f"git cannot be started: {exc.strerror}") from exc
    finally:
        out.close_writing()
        err.close_writing()
    return process


async def _end_of(process: Process, out: Output, err: Output) -> int:
    """How git ended. A helper that it leaves in the background may hold the pipes open."""
    code = 0
    async with anyio.create_task_group() as tasks:
        for one in (out, err):
            tasks.start_soon(one.listen, tasks.cancel_scope)
        code = await process.wait()
        tasks.cancel_scope.cancel()
    out.read_rest()
    err.read_rest()
    if out.is_too_much or err.is_too_much:
        raise FetchError(f"git said more than {OUTPUT_BYTES} bytes, which no repository needs")
    return code


def _check_ends_are_seen() -> None:
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        raise FetchError(
            "git cannot be run: this program ignores SIGCHLD, so it never learns how git ended",
            hint="signal.signal(signal.SIGCHLD, signal.SIG_DFL) before the agent starts",
        )


async def _end_group(process: Process) -> None:
    """Kill git and all that it started, and see them gone."""
    with anyio.move_on_after(KILL_SECONDS, shield=True):
        _kill_group(process.pid)
        await process.wait()
        while _kill_group(process.pid):
            _reap_group(process.pid)
            await anyio.sleep(0.01)


def _kill_group(leader: int) -> bool:
    """Whether there was something to kill."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _reap_group(leader: int) -> None:
    """What git left behind is ours to reap where we are process 1, as in a container."""
    with suppress(ChildProcessError):
        os.waitpid(-leader, os.WNOHANG)


def _last_words(err: str) -> str:
    """The last `fatal:` line of git and the line before it, which often tells the cause."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    marks = [at for at, line in enumerate(lines) if line.startswith(("fatal:", "error:"))]
    if not marks:
        return lines[-1] if lines else "git failed and said nothing"
    return "; ".join(lines[max(0, marks[-1] - 1) : marks[-1] + 1])
