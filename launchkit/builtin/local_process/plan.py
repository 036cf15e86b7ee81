"""Decides, before anything is started, what exactly a run on this machine will be."""

import errno
import hashlib
import hmac
import json
import os
import platform
import secrets
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from launchkit.builtin.local_process.args import QueueArgs, SetupArgs, parse_args, rlimits
from launchkit.code.containment import has_directory, has_file, is_inside
from launchkit.errors import Rejected, SubmitError
from launchkit.model import Json, Submission
from launchkit.model.launch import BASIC_ENV
from launchkit.private_files import write_once
from launchkit.supervision.regular_files import read_regular
from launchkit.supervision.spec import MOST_SPEC

SETUP_INPUTS = ("requirements.txt", "pyproject.toml", "environment.yml", "setup.py")
KEY_NAME = "key"
KEY_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A command that must have filled the directory *home* before the run starts."""

    argv: tuple[str, ...]
    candidates: tuple[str, ...]
    home: Path
    said: str
    """The command as the log shows it."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A run, ready to be started. `env` holds secrets, so only the rest of it is written down."""

    argv: tuple[str, ...]
    candidates: tuple[str, ...]
    """The paths to try to start, best first."""
    code: Path
    cwd: Path
    env: Mapping[str, str]
    limits: tuple[tuple[str, int, int], ...]
    nice: int
    setup: Setup | None

    def spec(self) -> bytes:
        """What the supervisor reads; see `spec.parse_spec`."""
        entries = [("code", self.code), ("cwd", self.cwd), ("nice", self.nice)]
        entries += [("arg", arg) for arg in self.argv]
        entries += [("try", path) for path in self.candidates]
        entries += [("limit", " ".join(map(str, limit))) for limit in self.limits]
        if self.setup:
            entries += [("setup_dir", self.setup.home), ("setup_said", self.setup.said)]
            entries += [("setup_arg", arg) for arg in self.setup.argv]
            entries += [("setup_try", path) for path in self.setup.candidates]
        return b"".join(os.fsencode(f"{key}={value}") + b"\0" for key, value in entries)


def make_plan(submission: Submission, code: Path, cache: Path, environ: Mapping[str, str]) -> Plan:
    """Make every choice about a run whose code stands in *code*; *environ* is the agent's own, and
    in *cache* are the results of setups.

    :raises Rejected: if this machine cannot run it.
    :raises SubmitError: if the key of the setups is damaged.
    :raises OSError: if it cannot be read or made, or PATH is too long.
    """
    args = parse_args(submission.resource_args)
    argv = checked_command(submission)
    cwd = _working_dir(code, submission.launch.working_dir)
    env = child_env(submission, args, environ)
    setup = None
    if args.setup_args:
        home = cache / setup_name(args.setup_args, code, _key_in(cache))
        env["LAUNCHKIT_SETUP_DIR"] = str(home)
        programs = f"{home}/bin:{home}/venv/bin"
        setup_argv = _setup_argv(args.setup_args)
        setup = Setup(
            argv=setup_argv,
            candidates=candidates(setup_argv[0], code, code, env.get("PATH", os.defpath)),
            home=home,
            said=_said(setup_argv, submission.hidden),
        )
        env["PATH"] = f"{programs}:{env.get('PATH', os.defpath)}"
    return Plan(
        argv=argv,
        candidates=candidates(argv[0], cwd, code, env.get("PATH", os.defpath)),
        code=code,
        cwd=cwd,
        env=env,
        limits=tuple(rlimits(args.limits)),
        nice=args.nice,
        setup=setup,
    )


def checked_command(submission: Submission) -> tuple[str, ...]:
    """The command of a submission that has one, and code to run it in.

    :raises Rejected: if it has not.
    """
    if not submission.command or not submission.command[0]:
        raise Rejected(
            "there is no entry point, and a local process needs one",
            hint="give one to the job or the launch: -E 'python train.py'",
        )
    if any("\0" in word for word in submission.command):
        raise Rejected("the command holds a NUL character, which no program can be given")
    if submission.image:
        raise Rejected(
            "an image cannot run as a local process",
            hint="use a queue of kind local-container, or a job from git or a code directory",
        )
    return submission.command


def child_env(
    submission: Submission, args: QueueArgs, environ: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a run: what it inherits, and what it is given over that.

    :raises Rejected: if a variable cannot be one.
    """
    named = args.inherit_env if isinstance(args.inherit_env, tuple) else ()
    env = {
        name: value
        for name, value in environ.items()
        if not name.startswith("LAUNCHKIT_")
        and (args.inherit_env is True or name in named or _is_basic(name))
    }
    for name, value in submission.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise Rejected(f"environment variable {name!r}: its name or value cannot be passed on")
        env[name] = value
    return env


def check_inherited(submission: Submission, lent: Collection[str]) -> None:
    """Look that a run inherits no more of the agent's environment than the queue's config says by
    itself, which a template variable or a macro does not, and what *lent* names.

    :raises Rejected: if its job, its launch or what they fill in says more.
    """
    wanted = parse_args(submission.resource_args).inherit_env
    opened = _opened(submission.launch.queue_args)
    if wanted is False or opened is True:
        return
    allowed = {*lent, *(opened or ())}
    if wanted is True:
        more = "true"
    else:
        more = ", ".join(name for name in wanted if name not in allowed and not _is_basic(name))
    if more:
        raise Rejected(
            f"resource_args.inherit_env: {more} is more of the agent's environment than the config"
            " of the queue itself says",
            hint="say less, have the queue's owner say more, or have the agent's owner list the"
            " variables under policy.env_from_agent",
        )


def _opened(queue_args: Json) -> bool | tuple[str, ...]:
    """What the queue itself lets its runs inherit."""
    said = {key: value for key, value in queue_args.items() if key == "inherit_env"}
    try:
        return parse_args(said).inherit_env
    except Rejected:  # the field of a template variable
        return False


def _is_basic(name: str) -> bool:
    return name in BASIC_ENV or name.startswith("LC_")


def candidates(program: str, cwd: Path, code: Path, path: str) -> tuple[str, ...]:
    """The files that *program* may mean, best first: as a shell would look for it in *cwd*, then
    in the code; and `python` is the agent's own where there is no other.

    :raises OSError: if a *path* of so many places makes them too long together.
    """
    here = [str(cwd / program), str(code / program)]
    if "/" in program:
        return tuple(dict.fromkeys(here))
    if (path.count(":") + 1) * (len(program) + len(str(cwd))) > MOST_SPEC:
        raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
    on_path = [str(cwd / place / program) for place in path.split(":")]
    python = [sys.executable] if program in {"python", "python3"} else []
    return tuple(dict.fromkeys([*on_path, *here, *python]))


def setup_name(setup: SetupArgs, code: Path, key: bytes) -> str:
    """Names the result of a setup: equal commands over equal files with an equal Python are one.
    The name stands in the log, and the command may hold secrets: without the *key* nobody can try
    which command has the name.

    :raises Rejected: if an input file that is named does not exist in the code.
    """
    names = [name for name in SETUP_INPUTS if (code / name).is_file()]
    inputs = {name: _digest(code, name) for name in setup.inputs or names}
    python = [platform.python_version(), platform.machine(), shutil.which("python3")]
    what = json.dumps([setup.command, inputs, python], sort_keys=True)
    return hmac.digest(key, what.encode(errors="surrogateescape"), hashlib.sha256).hex()[:32]


def _key_in(cache: Path) -> bytes:
    """The key of the names of all setups there, made at first need: who removes it with them, or
    alone, has them made anew.
    """
    path = cache / KEY_NAME
    key = _read_key(path)
    if key is None:
        write_once(path, secrets.token_bytes(KEY_BYTES))
        key = _read_key(path)
    if key is None or len(key) != KEY_BYTES:
        raise SubmitError(
            f"{path} is no key of {KEY_BYTES} bytes",
            hint="remove it: setups are then made anew, under other names",
        )
    return key


def _read_key(path: Path) -> bytes | None:
    """What is there, if it is a file: a run may have put anything in its place."""
    try:
        return read_regular(path, KEY_BYTES + 1)
    except FileNotFoundError:
        return None


def _digest(code: Path, name: str) -> str:
    if not has_file(code, name):
        raise Rejected(f"setup.inputs: {name!r} is not a file of the code")
    with (code / name).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _setup_argv(setup: SetupArgs) -> tuple[str, ...]:
    return ("/bin/sh", "-c", setup.command) if isinstance(setup.command, str) else setup.command


def _said(argv: Sequence[str], hidden: Sequence[str]) -> str:
    """A command, with `…` for each secret: what is *hidden*, and what is one by its name."""
    from launchkit.resolving.hidden_words import hidden_words

    return " ".join(hidden_words(argv, hidden))


def _working_dir(code: Path, name: str | None) -> Path:
    if not name:
        return code
    path = code / name
    if PurePosixPath(name).is_absolute() or not is_inside(code, name):
        raise Rejected(f"working directory {name!r}: a path inside the code is wanted")
    if not has_directory(code, name):
        raise Rejected(f"working directory {name!r}: the code has no such directory")
    return path
