"""How long a name may be, how many an agent lists, and what an agent may be called: one rule for
settings, tokens, the wire and the store.
"""

import re

LONGEST_NAME = 512
"""Characters of a name that somebody gives or asks for, and of a pattern for names: a database
compares one with the other, and takes longer the longer both are.
"""
MOST_LISTED = 10_000
"""What an agent lists at once, such as the launches that it holds: some hundred are many."""
AGENT_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
"""No `/`, which ends the name in the holder of a lock, and nothing that a shell heeds."""
_AGENT_NAME = re.compile(AGENT_NAME)
_OTHERS = re.compile(r"[^A-Za-z0-9._-]+")
_MADE_UP = 100
"""So many characters of a host's name leave room for what is put behind it."""


def is_agent_name(name: str) -> bool:
    """Whether an agent may be called so."""
    return _AGENT_NAME.fullmatch(name) is not None


def agent_name_of(host: str, rest: str) -> str:
    """A name for an agent of that host, whatever letters the host's name has."""
    letters = _OTHERS.sub("-", host[:_MADE_UP]).strip("._-") or "agent"
    return f"{letters}-{rest}"
