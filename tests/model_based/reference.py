"""The queue as its rules say, in plain Python: what the store must agree with at each step."""

from dataclasses import dataclass, field

from launchkit.model import ItemReport, ItemState, Pause, Priority

S = ItemState
LEASE = 30.0
ENDS = {S.FINISHED, S.FAILED, S.STOPPED}
UNDER_WAY = {S.CLAIMED, S.BUILDING, S.SUBMITTING, S.STARTING, S.RUNNING}
WAITING = {S.QUEUED, S.HELD}
NEXT = {
    S.QUEUED: {S.CLAIMED, S.HELD, S.STOPPED},
    S.HELD: {S.QUEUED, S.STOPPED},
    S.CLAIMED: {S.BUILDING, S.SUBMITTING, S.QUEUED, S.HELD, *ENDS},
    S.BUILDING: {S.SUBMITTING, S.QUEUED, *ENDS},
    S.SUBMITTING: {S.STARTING, S.RUNNING, S.QUEUED, *ENDS},
    S.STARTING: {S.RUNNING, S.QUEUED, *ENDS},
    S.RUNNING: {S.QUEUED, *ENDS},
}


@dataclass
class Item:
    """One launch. `history` holds its states, the last one is its state now."""

    number: int
    priority: Priority
    history: list[ItemState] = field(default_factory=lambda: [S.QUEUED])
    attempt: int = 1
    token: int = 0
    until: float | None = None
    agent: str | None = None
    site: str | None = None
    stop: bool = False

    @property
    def state(self) -> ItemState:
        return self.history[-1]


@dataclass
class Queue:
    """One queue with its items, in the order in which they were launched."""

    items: list[Item] = field(default_factory=list)
    prioritization: bool = True
    limit: int | None = None
    pause: Pause | None = None

    def launch(self, priority: Priority | None) -> None:
        level = Priority.MEDIUM if priority is None else priority
        self.items.append(Item(len(self.items), level))

    def used(self) -> int:
        return sum(item.until is not None for item in self.items)

    def take(self, agent: str, site: str, now: float) -> Item | None:
        """The lapsed first, whatever bars the others; then the most urgent, then the oldest."""
        item = self._first(
            i
            for i in self.items
            if i.until is not None
            and not now < i.until <= now + 2 * LEASE
            and i.site in {None, site}
        )
        if item is None:
            if self._barred(now):
                return None
            item = self._first(i for i in self.items if i.state is S.QUEUED)
        if item is not None:
            if item.state is S.QUEUED:
                item.history.append(S.CLAIMED)
            item.token += 1
            item.agent, item.until = agent, now + LEASE
        return item

    def report(self, item: Item, token: int, report: ItemReport) -> bool:
        """Whether the report is accepted."""
        state, again = report.state, report.next_attempt
        if item.token != token or item.until is None:
            return item.token == token and item.state is state
        if item.stop and state in WAITING:
            state, again = S.STOPPED, False
        item.site = report.site or item.site
        item.attempt += again
        if state is not item.state:
            item.history.append(state)
        if state not in UNDER_WAY:
            item.until = None
        if state is S.QUEUED:
            item.agent = item.site = None
        return True

    def beat(self, agent: str, held: list[tuple[int, int]], now: float) -> tuple[set, set]:
        """The numbers of the items that are to stop, and of those that are lost."""
        lost = set()
        for number, token in held:
            item = self.items[number]
            if item.token == token and item.until is not None:
                item.until = now + LEASE
            else:
                lost.add(number)
        stop = {i.number for i in self.items if i.agent == agent and i.until and i.stop}
        return stop, lost

    def stop(self, item: Item) -> None:
        if item.state in ENDS:
            return
        if item.until is None:
            item.history.append(S.STOPPED)
        else:
            item.stop = True

    def move(self, item: Item, state: ItemState) -> bool:
        """Hold or release; whether that is allowed."""
        if item.state in WAITING and item.state is not state:
            item.history.append(state)
            item.agent = item.site = None
        return item.state in WAITING

    def reap(self, agent: str, now: float) -> None:
        for item in self.items:
            if item.agent == agent and item.until is not None:
                item.until = min(item.until, now)

    def level(self) -> None:
        for item in self.items:
            if item.state not in ENDS:
                item.priority = Priority.MEDIUM

    def _barred(self, now: float) -> bool:
        until = self.pause.until if self.pause else 0.0
        return until is None or until > now or self.limit in range(self.used() + 1)

    @staticmethod
    def _first(items):
        return min(items, key=lambda item: (item.priority, item.number), default=None)
