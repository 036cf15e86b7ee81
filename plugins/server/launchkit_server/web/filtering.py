"""What a list of launches shows, as its address says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, cast
from urllib.parse import parse_qs

from fastapi import Query

from launchkit.abc import Order, Selection
from launchkit.codec import decode
from launchkit.errors import ConfigError
from launchkit.model import ItemState
from launchkit.shell_words import shell_word
from launchkit_server.targets import ASK_FOR_LESS, TOO_LONG, is_too_long


@dataclass(frozen=True)
class Sort:
    """An order of a list."""

    label: str
    column: str
    falls: bool = field(default=False, kw_only=True)
    """Whether the values of the column fall from row to row."""


AGES: Mapping[str, float] = {"1h": 3600, "24h": 86400, "7d": 7 * 86400, "30d": 30 * 86400}
COLUMNS = (
    "state", "queue", "author", "agent", "priority", "project", "job", "waited", "ran", "launched",
    "why",
)  # fmt: skip
USUAL = ("state", "queue", "author", "ran", "launched", "why")
SORTS: Mapping[str, Sort] = {
    "newest": Sort("Newest first", "launched", falls=True),
    "oldest": Sort("Oldest first", "launched"),
    "state": Sort("By state, from waiting to ended", "state"),
    "-state": Sort("By state, from ended to waiting", "state", falls=True),
    "queue": Sort("By queue", "queue"),
    "-queue": Sort("By queue, from the end", "queue", falls=True),
    "author": Sort("By author", "author"),
    "-author": Sort("By author, from the end", "author", falls=True),
    "priority": Sort("Most urgent first", "priority"),
    "-priority": Sort("Least urgent first", "priority", falls=True),
    "waited": Sort("Longest wait first", "waited", falls=True),
    "-waited": Sort("Shortest wait first", "waited"),
    "ran": Sort("Longest run first", "ran", falls=True),
    "-ran": Sort("Shortest run first", "ran"),
}
"""The orders, as an address names them."""
Word = Annotated[str, Query(max_length=300)]


@dataclass(frozen=True, kw_only=True)
class View:
    """Which launches are shown, in which order, and what of them."""

    queue: Word = ""
    state: Annotated[list[ItemState] | None, Query()] = None
    exclude: Literal["", "1"] = ""
    """Whether the states are those that are left out."""
    author: Word = ""
    not_queue: Word = ""
    not_author: Word = ""
    agent: Word = ""
    name: Word = ""
    within: Word = ""
    sort: Word = "newest"
    column: Annotated[list[str] | None, Query(max_length=20)] = None
    after: Annotated[str, Query(max_length=1000)] = ""

    @classmethod
    def of(cls, query: str) -> "View":
        """The view at an address with that query.

        :raises ConfigError: if no list has such an address.
        """
        if is_too_long(query.encode()):
            raise ConfigError(f"view: {TOO_LONG}", hint=ASK_FOR_LESS)
        given = parse_qs(query, keep_blank_values=True)
        lists = {"state", "column"}
        return decode(
            cls, {name: texts if name in lists else texts[-1] for name, texts in given.items()}
        )

    @property
    def states(self) -> Sequence[ItemState] | None:
        """The states of what is shown; None if that is any."""
        if not self.state:
            return None
        return [one for one in ItemState if (one in self.state) is not bool(self.exclude)]

    @property
    def columns(self) -> Sequence[str]:
        """The columns in their usual order."""
        return [one for one in COLUMNS if one in (self.column or USUAL)]

    @property
    def order(self) -> str:
        """Which of `SORTS` it is."""
        return self.sort if self.sort in SORTS else "newest"

    @property
    def by_value(self) -> bool:
        """Whether only the newest that match are sorted."""
        return SORTS[self.order].column != "launched"

    def sort_by(self, column: str) -> str | None:
        """The order that the head of a column leads to; None if nothing is sorted by it."""
        orders = [name for name, one in SORTS.items() if one.column == column]
        if self.order in orders:
            return next(name for name in orders if name != self.order)
        return orders[0] if orders else None

    def sorted_by(self, column: str) -> str | None:
        """How a column is sorted, as `aria-sort` says it; None if it is not."""
        sort = SORTS[self.order]
        if sort.column != column:
            return None
        return "descending" if sort.falls else "ascending"

    @property
    def query(self) -> Mapping[str, Any]:
        """The same as a query of an address, without what is usual."""
        return {
            "queue": self.queue,
            "state": [str(one) for one in ItemState if one in (self.state or ())],
            "exclude": self.exclude if self.state else "",
            "author": self.author,
            "not_queue": self.not_queue,
            "not_author": self.not_author,
            "agent": self.agent,
            "name": self.name,
            "within": self.within if self.within in AGES else "",
            "sort": "" if self.order == "newest" else self.order,
            "column": [] if tuple(self.columns) == USUAL else list(self.columns),
        }

    @property
    def filters(self) -> int:
        """How many of the filters narrow the list."""
        kept = (self.queue, self.state, self.author, self.agent, self.name, self.within)
        return sum(1 for one in (*kept, self.not_queue, self.not_author) if one)

    def but(self, **other: object) -> Mapping[str, Any]:
        """The query of the same view with something else in it."""
        return {**self.query, **other}

    def selection(self, now: float, limit: int) -> Selection:
        """The launches that are shown."""
        return Selection(
            queue=self.queue or None,
            states=self.states,
            author=self.author or None,
            not_queue=self.not_queue or None,
            not_author=self.not_author or None,
            agent=self.agent or None,
            name=pattern(self.name),
            since=now - AGES[self.within] if self.within in AGES else None,
            order=_order(self.order),
            reverse=self.order.startswith("-"),
            after=self.after or None,
            limit=limit,
        )

    def command(self, limit: int) -> str | None:
        """What shows the same on the command line; None where all states are left out, which no
        command does.
        """
        if self.states is not None and not self.states:
            return None
        words = ["launchkit ls"]
        words += [f"--state {one}" for one in self.states or ()]
        for name in ("queue", "author", "not_queue", "not_author", "agent"):
            if value := getattr(self, name):
                words.append(f"--{name.replace('_', '-')}={shell_word(value)}")
        if self.name:
            words.append(f"--name={shell_word(pattern(self.name) or '')}")
        if self.within in AGES:
            words.append(f"--since {self.within}")
        if self.by_value:
            words.append(f"--sort {self.order.removeprefix('-')}")
        if self.order == "oldest" or self.order.startswith("-"):
            words.append("--reverse")
        return " ".join([*words, f"--limit {limit}"])


def _order(name: str) -> Order:
    return cast("Order", name.removeprefix("-"))


def pattern(name: str) -> str | None:
    """What is searched for in names: anywhere in them, unless it says otherwise."""
    if not name or "*" in name or "?" in name:
        return name or None
    return f"*{name}*"
