"""The operating system as what stands behind a plugin: files and processes."""

from pathlib import Path

from launchkit.testing.counterparts.counterpart import (
    Counterpart,
    Life,
    Lived,
    Moment,
    distinct,
    living,
)


class OperatingSystem(Counterpart):
    """What is written below *places*, and processes that are started and signalled: a life is
    killed before one of them, so what was done until then is there.
    """

    def __init__(self, *places: Path) -> None:
        self._places = [str(place) for place in places]

    async def live(self, life: Life, moment: Moment | None = None) -> Lived:
        """See there."""
        async with living({}) as one:
            killed = await one.hear(life.order(self._places, moment.kind if moment else None))
            moments = [Moment(kind, "before") for kind in distinct(one.asked)]
            return Lived([*life.steps, *moments], one.told, killed)
