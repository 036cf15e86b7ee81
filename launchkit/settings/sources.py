"""Where settings are from: files, environment variables and flags."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from launchkit.codec import suggest
from launchkit.document import is_file, read_document
from launchkit.errors import ConfigError
from launchkit.home import expanded
from launchkit.plain_text import visible_line
from launchkit.settings.places import config_files

VARIABLES = {
    "WANDB_ENTITY": "entity",
    "WANDB_LAUNCH_MAX_JOBS": "max_jobs",
    "WANDB_LAUNCH_START_TIMEOUT": "start_timeout",
    "LAUNCHKIT_ENTITY": "entity",
    "LAUNCHKIT_NAME": "name",
    "LAUNCHKIT_BACKEND": "backend",
    "LAUNCHKIT_STATE_DIR": "state_dir",
    "LAUNCHKIT_CACHE_DIR": "cache_dir",
    "LAUNCHKIT_MAX_JOBS": "max_jobs",
    "LAUNCHKIT_MAX_SCHEDULERS": "max_schedulers",
    "LAUNCHKIT_SECURE_MODE": "secure_mode",
    "LAUNCHKIT_VERBOSITY": "verbosity",
    "LAUNCHKIT_LOG_FORMAT": "log_format",
    "LAUNCHKIT_METRICS_PORT": "metrics_port",
    "LAUNCHKIT_METRICS_HOST": "metrics_host",
    "LAUNCHKIT_TELEMETRY": "telemetry",
    "LAUNCHKIT_PLACE_TIMEOUT": "place_timeout",
    "LAUNCHKIT_START_TIMEOUT": "start_timeout",
    "LAUNCHKIT_RUN_TIMEOUT": "run_timeout",
    "LAUNCHKIT_DRAIN_TIMEOUT": "drain_timeout",
    "LAUNCHKIT_STOPPED_RUN_TIMEOUT": "stopped_run_timeout",
    "LAUNCHKIT_LEASE_SECONDS": "lease_seconds",
}
"""The key that each variable sets; a later one wins over an earlier one."""
PREFIX = "LAUNCHKIT_"
ELSEWHERE = frozenset(
    f"{PREFIX}{name}"
    for name in (
        *("CONFIG", "DEBUG", "TOKEN", "TOKEN_FILE", "RUN_TOKEN"),
        *("BLOCK_PLUGINS", "TRACE_PLUGINS", "REGISTRY_USERNAME", "REGISTRY_PASSWORD"),
        *("ITEM_ID", "RUN_ID", "RUN_NAME", "RUN_CONFIG", "ATTEMPT", "QUEUE", "PROJECT"),
        *("AUTHOR", "JOB", "SETUP_DIR", "PROCESS_TAG"),
    )
)
"""Variables that are no setting: read elsewhere, or given to a run, which may launch too."""
OF_OTHERS = tuple(
    f"{PREFIX}{name}"
    for name in (
        *("SERVER_", "TEST", "FUZZ", "MUTANT", "AZURITE_BIN", "CHROMIUM", "ENGINES_DIR"),
        *("KUBERNETES_BIN", "SCREENSHOTS"),
    )
)
"""How those begin that the queue service and launchkit's own tests read."""
TEXTS = frozenset(
    {"entity", "name", "backend", "state_dir", "cache_dir", "log_format", "metrics_host"}
)
FLAGS = {"queues": "--queue", "verbosity": "--verbose"}
"""Flags that are not called like the key that they set."""


def find_file(config: Path | str | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file: the one that is named, else the first that exists.

    :raises ConfigError: if the one that is named does not exist, or it cannot be looked at.
    """
    named = config or environ.get("LAUNCHKIT_CONFIG")
    if not named:
        return next((path for path in config_files(environ) if is_file(path)), None)
    path = expanded(named)
    if not is_file(path):
        if path.is_dir():
            raise ConfigError(f"{path}: is a directory; name the file in it")
        raise ConfigError(
            f"{path}: there is no such configuration file",
            hint=f"without --config and LAUNCHKIT_CONFIG, {config_files(environ)[0]} is read",
        )
    return path


def unread_file(
    path: Path | None, config: Path | str | None, environ: Mapping[str, str]
) -> tuple[str, ...]:
    """A warning if a configuration lies in the working directory, and is not what is read."""
    here = "launch-config.yaml"
    named = config or environ.get("LAUNCHKIT_CONFIG")
    if named or not os.path.isfile(here):  # noqa: PTH113 - none is seen where nobody may look
        return ()
    if path and path.samefile(here):
        return ()
    places = " and ".join(map(str, config_files(environ)))
    warning = (
        f"{Path(here).absolute()} is not read: without --config and LAUNCHKIT_CONFIG these are:"
        f" {places}; name it with --config launch-config.yaml"
    )
    return (warning,)


def unread_choices(
    config: Path | str | None, environ: Mapping[str, str], given: Mapping[str, object]
) -> tuple[str, ...]:
    """The same, if it names a queue or an owner that would be chosen were it read: *given* flags
    and variables win in any case.
    """
    warnings = unread_file(find_file(config, environ), config, environ)
    if not warnings:
        return ()
    try:
        named = read_document(Path("launch-config.yaml")).data
    except ConfigError:
        return warnings
    variables, _ = from_variables(environ)
    asked = {key for key in ("backend", "entity") if not (given.get(key) or key in variables)}
    return warnings if isinstance(named, dict) and asked & named.keys() else ()


def from_variables(environ: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    """Values from the environment, and the variable that each key is from; empty ones count not."""
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for variable, key in VARIABLES.items():
        text = environ.get(variable, "").strip()
        if text:
            values[key] = text if key in TEXTS else _scalar(text)
            sources[key] = f"${variable}"
    if sources.get("start_timeout") == "$WANDB_LAUNCH_START_TIMEOUT":
        values["start_timeout"] = _not_negative(values["start_timeout"])
    return values, sources


def unknown_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """A warning for each variable that is called like one of launchkit's, and is none."""
    known = {name for name in VARIABLES if name.startswith(PREFIX)} | ELSEWHERE
    words = sorted(name.removeprefix(PREFIX) for name in known)
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known and not name.startswith(OF_OTHERS):
            near = suggest(name.removeprefix(PREFIX), words)
            ending = f"did you mean {PREFIX}{near}?" if near else "there is no such variable"
            yield f"${visible_line(name)}: ignored; {ending}"


def _not_negative(value: object) -> object:
    """W&B's start time-out is off at zero and below."""
    return max(value, 0) if isinstance(value, int | float) else value


def _scalar(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | None) else text


def from_flags(flags: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """Values from flags, and the flag that each key is from; None and () are not given."""
    values = {key: value for key, value in flags.items() if value not in (None, ())}
    return values, {key: FLAGS.get(key, f"--{key.replace('_', '-')}") for key in values}
