"""How long a name may be, how many an agent lists, and what an agent may be called: one rule for
settings, tokens, the wire and the store.
"""

import re

LONGEST_NAME = 512
"""Characters of a name that somebody gives or asks for, and of a pattern for names: a database
compares one with the other, and takes longer the longer both are.
"""
LONGEST_NAME_BYTES = 1024
"""The same in UTF-8: two of them stand together in an index of PostgreSQL, whose entries have
2,704 bytes, and one rule holds for all databases.
"""
LONGEST_LOCK_BYTES = 2000
"""Of the name of a lock, which stands in an index alone."""
MOST_LISTED = 10_000
"""What an agent lists at once, such as the launches that it holds: some hundred are many."""
AGENT_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""No `/`, which ends the name in the holder of a lock, and nothing that a shell heeds."""
_AGENT_NAME = re.compile(AGENT_NAME)
_OTHERS = re.compile(r"[^A-Za-z0-9._-]+")
_MADE_UP = 100
"""So many characters of a host's name leave room for what is put behind it."""


def length_problem(what: str, name: str | None) -> str | None:
    """Why a name is too long, or None if it is not."""
    if name is None:
        return None
    if len(name) > LONGEST_NAME:
        return f"{what}: has {len(name)} characters; a name may have {LONGEST_NAME}"
    size = size_of(name)
    if size > LONGEST_NAME_BYTES:
        return f"{what}: has {size} bytes in UTF-8; a name may have {LONGEST_NAME_BYTES}"
    return None


def size_of(name: str) -> int:
    """Its bytes in UTF-8, also if half of a letter is in it."""
    return len(name.encode("utf-8", "surrogatepass"))


def is_agent_name(name: str) -> bool:
    """Whether an agent may be called so."""
    return _AGENT_NAME.fullmatch(name) is not None


def agent_name_of(host: str, rest: str) -> str:
    """A name for an agent of that host, whatever letters the host's name has."""
    letters = _OTHERS.sub("-", host[:_MADE_UP]).strip("._-") or "agent"
    return f"{letters}-{rest}"
