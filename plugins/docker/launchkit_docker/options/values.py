"""Texts of `docker run` options to values of the Engine API. All raise ValueError with a reason."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

_SIZE = re.compile(r"(\d{1,20}(?:\.\d{1,20})?) ?([kmgtp]?)i?b?", re.IGNORECASE)
_DURATION_PART = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)(ns|us|µs|ms|s|m|h)")
OWN = "launchkit."
"""Begins the labels by which launchkit finds its containers and their GPUs."""
CAPABILITIES = frozenset(
    {"AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE"}
    | {"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER"}
    | {"KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD", "NET_ADMIN"}
    | {"NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "PERFMON", "SETFCAP", "SETGID", "SETPCAP"}
    | {"SETUID", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE"}
    | {"SYS_PACCT", "SYS_PTRACE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG"}
    | {"WAKE_ALARM"}
)
"""See https://man7.org/linux/man-pages/man7/capabilities.7.html."""
_LONGEST_DURATION = 100
_MOST_CPUS = 1_000_000
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


def text(value: str) -> str:
    """A text that is not empty."""
    if not value.strip():
        raise ValueError("must not be empty")
    return value


def integer(low: int | None = None, high: int | None = None) -> Callable[[str], int]:
    """Make a parser of whole numbers between *low* and *high*, both included."""

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if (low is not None and number < low) or (high is not None and number > high):
            raise ValueError(f"must be {_between(low, high)}")
        return number

    return parse


def _between(low: int | None, high: int | None) -> str:
    if high is None:
        return f"at least {low}"
    return f"between {low} and {high}"


def size(value: str) -> int:
    """Bytes of `16g`, `512MiB` or a plain number; all units count in 1024s, as Docker's do."""
    match = _SIZE.fullmatch(value.strip())
    if not match:
        raise ValueError("must be a number of bytes, or a number with a unit such as 16g")
    number, unit = match.groups()
    return int(Decimal(number) * 1024 ** " kmgtp".index(unit.lower() or " "))


def size_or_unlimited(value: str) -> int:
    """Bytes as `size` gives them, or -1 for no limit."""
    return -1 if value.strip() == "-1" else size(value)


def duration(value: str) -> int:
    """Nanoseconds of `30s`, `1m30s`, `500ms` or `0`."""
    wanted = value.strip()
    if wanted == "0":
        return 0
    parts = list(_DURATION_PART.finditer(wanted[:_LONGEST_DURATION]))
    if not parts or "".join(part[0] for part in parts) != wanted:
        raise ValueError("must be a time with a unit, such as 30s or 1m30s")
    return sum(int(Decimal(part[1]) * _NANOSECONDS[part[2]]) for part in parts)


def nano_cpus(value: str) -> int:
    """Billionths of a processor of `1.5`."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError("must be a number of processors, such as 1.5") from None
    if not number.is_finite() or not 0 <= number <= _MOST_CPUS:
        raise ValueError("must be a number of processors, such as 1.5")
    return int(number * 10**9)


def one_of(*words: str) -> Callable[[str], str]:
    """Make a parser of a few words."""

    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return value

    return parse


def pair(value: str) -> dict[str, str]:
    """`NAME=value`, both needed."""
    name, equals, inner = value.partition("=")
    if not name or not equals:
        raise ValueError("must be NAME=value")
    return {name: inner}


def label(value: str) -> dict[str, str]:
    """`NAME=value`, or `NAME` alone for an empty value."""
    name, _, inner = value.partition("=")
    if not name:
        raise ValueError("must be NAME=value, or NAME alone")
    if name.startswith(OWN):
        raise ValueError(f"names that begin with {OWN} are launchkit's own")
    return {name: inner}


def capability(value: str) -> str:
    """A capability as the kernel names it: `sys_ptrace` is `CAP_SYS_PTRACE`. Of others the Engine
    would tell in capitals, as which no secret is known.
    """
    name = text(value).strip().upper().removeprefix("CAP_")
    if name != "ALL" and name not in CAPABILITIES:
        raise ValueError("must be a capability of Linux, such as SYS_PTRACE, or ALL")
    return "CAP_" + name if name != "ALL" else name


def restart_policy(value: str) -> str:
    """`no`, the only policy under which a container runs once."""
    if value != "no":
        raise ValueError(
            "would start the container again, and a launch runs once; launch it again instead"
        )
    return value


def log_driver(value: str) -> str:
    """The name of a driver whose logs can be read back."""
    if value == "none":
        raise ValueError("the run's output is always kept, which needs a log driver")
    return text(value)


def security(value: str) -> dict[str, object]:
    """An entry of `security-opt` as a piece of the host config."""
    fixed = value if "=" in value else value.replace(":", "=", 1)
    name, equals, inner = fixed.partition("=")
    if fixed == "systempaths=unconfined":
        return {"MaskedPaths": [], "ReadonlyPaths": []}
    if not equals and name != "no-new-privileges":
        raise ValueError("must be NAME=value, or no-new-privileges")
    if name == "seccomp" and inner not in {"unconfined", "builtin"} and inner[:1] != "{":
        raise ValueError(
            "a seccomp profile must be its JSON itself: files of the agent's machine are not read"
        )
    return {"SecurityOpt": [fixed]}


def host_entry(value: str) -> str:
    """`NAME:ADDRESS` or `NAME=ADDRESS`, in the first form."""
    name, separator, address = (
        value.partition("=") if "=" in value.split(":", 1)[0] else value.partition(":")
    )
    if not name or not separator or not address:
        raise ValueError("must be NAME:ADDRESS")
    return f"{name}:{address.removeprefix('[').removesuffix(']')}"


def ulimit(value: str) -> dict[str, object]:
    """`NAME=SOFT[:HARD]`; -1 is no limit."""
    match = re.fullmatch(r"([a-z]+)=(-1|\d+)(?::(-1|\d+))?", value)
    if not match or match[1] not in _ULIMITS:
        raise ValueError("must be NAME=SOFT[:HARD] with a limit's name such as nofile or memlock")
    soft = int(match[2])
    hard = int(match[3]) if match[3] else soft
    if hard != -1 and (soft == -1 or soft > hard):
        raise ValueError("the soft limit must not be above the hard limit")
    return {"Name": match[1], "Soft": soft, "Hard": hard}


_ULIMITS = frozenset(
    {
        *("as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice"),
        *("nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"),
    }
)
