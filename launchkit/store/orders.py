"""The orders of lists of launches, as parts of statements, and where the next page begins."""

import math
from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from launchkit.abc import SORTED, Order, Selection
from launchkit.errors import ConfigError
from launchkit.model import ItemState

LISTED = ", ".join(
    f"i.{column}"
    for column in (
        "seq", "id", "run_id", "queue_id", "entity", "name", "priority", "author", "spec", "state",
        "attempt", "token", "lease_until", "agent", "site", "ref", "message", "exit_code",
        "verdict", "stop_by", "stop_reason", "stop_now", "created_at", "updated_at", "started_at",
        "ended_at",
    )
)  # fmt: skip
LISTED += ", null as resolved"
"""The columns of an item in a list: all but what was sent to the runner, which can be large."""
PLAIN: Mapping[tuple[Order, bool], Mapping[str, str]] = {
    ("newest", False): {"order": "i.seq desc", "behind": "i.seq < :seq"},
    ("oldest", False): {"order": "i.seq", "behind": "i.seq > :seq"},
    ("line", False): {
        "order": "i.priority, i.seq",
        "behind": "(i.priority, i.seq) > (:level, :seq)",
    },
    ("newest", True): {"order": "i.seq", "behind": "i.seq > :seq"},
    ("oldest", True): {"order": "i.seq desc", "behind": "i.seq < :seq"},
    ("line", True): {
        "order": "i.priority desc, i.seq desc",
        "behind": "(i.priority, i.seq) < (:level, :seq)",
    },
}  # fmt: skip
"""Orders that an index has, and what stands behind an item; the same the other way round."""
RISING: Collection[Order] = ("oldest", "line")
TOP = 2**62
LOWEST = 2**30
"""Behind all numbers of launches, and all priorities."""
EVERY = PLAIN["newest", False]
SCOPES: Mapping[str, str] = {"": "", "_open": "and i.ended_at is null"}
"""Of all items, or of those that have not ended: they have an index, however many have ended."""


class Key(NamedTuple):
    """What an order by value goes by."""

    sql: str
    kind: str = "double precision"
    descending: bool = False


_LIFE = (ItemState.QUEUED, ItemState.HELD)
_STATES = (*_LIFE, *(state for state in ItemState if state not in _LIFE))
_CASES = " ".join(f"when '{state}' then {place}" for place, state in enumerate(_STATES))
_MOMENT = "cast(:moment as double precision)"


def _until(at: str) -> str:
    """When something was over, or the moment of the list if it was not over by then: so a value
    stays as it was on the first page, however late the next one is read.
    """
    return f"case when {at} < {_MOMENT} then {at} else {_MOMENT} end"


KEYS: Mapping[Order, Key] = {
    "queue": Key("q.name", "text"),
    "author": Key("coalesce(i.author, '')", "text"),
    "state": Key(f"cast(case i.state {_CASES} end as double precision)"),
    "priority": Key("cast(i.priority as double precision)"),
    "waited": Key(
        f"{_until('coalesce(i.started_at, i.ended_at)')} - i.created_at", descending=True
    ),
    "ran": Key(
        f"case when i.started_at <= {_MOMENT} then {_until('i.ended_at')} - i.started_at"
        " else cast(-1 as double precision) end",
        descending=True,
    ),
}
"""Orders that no index has: one for each would make every change of a launch dearer."""
FOUND = "i.seq, i.id"
"""Of those that match no more is read: how large they are is known only then."""
BY_VALUE = """
select seq, id, value from ({found}) found
where cast(:value as {kind}) is null or value {beyond} :value or (value = :value and seq < :seq)
order by value {direction}, seq desc limit :limit
"""
"""A page of the newest that match."""


def variants(title: str, body: str) -> Iterator[tuple[str, str]]:
    """A statement with `{order}` in it for each order, way round and scope: it finds launches; and
    how many there are under the title with `_count`.
    """
    body = body.strip()
    for scope, only in SCOPES.items():
        for (order, back), parts in PLAIN.items():
            filled = body.format(row=FOUND, open=only, limit=":limit", **parts)
            yield _name(title, order, back, scope), filled
        for (order, key), back in product(KEYS.items(), (False, True)):
            row = f"{FOUND}, {key.sql} as value"
            found = body.format(row=row, open=only, limit=SORTED, **EVERY)
            down = key.descending is not back
            yield (
                _name(title, order, back, scope),
                BY_VALUE.format(
                    found=found.replace(":seq", str(TOP)),
                    kind=key.kind,
                    beyond="<" if down else ">",
                    direction="desc" if down else "asc",
                ),
            )
        page = body.format(row="i.seq", open=only, limit=":limit", **EVERY)
        yield f"{title}_count{scope}", f"select count(*) as n from ({page}) page"  # noqa: S608


def _name(title: str, order: str, back: bool, scope: str) -> str:
    return f"{title}_{order}{'_back' if back else ''}{scope}"


def statement(selection: Selection) -> str:
    """The name of the statement that lists a selection."""
    return _name("items", selection.order, selection.reverse, scope(selection))


def scope(selection: Selection) -> str:
    """Which of `SCOPES` has all that a selection can match."""
    states = selection.states
    open_only = states is not None and not any(ItemState(state).ended for state in states)
    return "_open" if open_only else ""


class Start(NamedTuple):
    """Where a page begins."""

    ref: str | None
    """The launch that it follows; None is the first page."""
    value: float | str | None = None
    """What that was sorted by when it was shown."""
    moment: float | None = None
    """Of when the values are: when the first page was shown."""


def start_of(selection: Selection) -> Start:
    """Where a page begins. Launches move in an order by value, so there it is behind the value
    that was shown, with all values as of the first page: what did not move is then neither left
    out nor shown twice, and what only waits or runs on did not move.

    :raises ConfigError: if `after` is not what a list in this order gave.
    """
    key = KEYS.get(selection.order)
    if key is None or selection.after is None:
        return Start(selection.after)
    ref, _, rest = selection.after.partition(":")
    moment, colon, text = rest.partition(":")
    value, at = text if key.kind == "text" else _number(text), _number(moment)
    if not colon or value is None or at is None:
        raise ConfigError(
            f"after: {selection.after[:60]!r} is nothing that a list by {selection.order} gave",
            hint="give the `cursor` of the last launch on the page before",
        )
    return Start(ref, value, at)


def cursor(order: Order, row: Mapping[str, Any], moment: float) -> str:
    """What `Selection.after` takes for the page behind a row of a list in that order, with values
    as of *moment*.
    """
    return f"{row['id']}:{moment}:{row['value']}" if order in KEYS else str(row["id"])


def beginning(order: Order, reverse: bool = False) -> Mapping[str, int]:
    """What all launches stand behind, in an order that an index has."""
    rising = (order in RISING) is not reverse
    return {"seq": -1, "level": -1} if rising else {"seq": TOP, "level": LOWEST}


def _number(text: str) -> float | None:
    try:
        value = float(text[:40])
    except ValueError:
        return None
    return value if math.isfinite(value) else None
