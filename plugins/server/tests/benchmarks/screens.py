"""The screens of the web app: the time of an answer, and the service's processor time for it, with
many launches; and how long a browser takes to show the end of a long log.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import anyio
import httpx
from playwright.async_api import expect
from store.conftest import Clock, Store, capacity
from waiting import PATIENCE

from benchmarks.places import Kind, database, folder
from benchmarks.report import Figure
from launchkit.model import Claim, ItemState
from launchkit.store import claims
from launchkit.store.opening import database_of

from ..long_log import LAST, long_log
from ..over_http import SPEC
from ..places import NO_TLS, Place
from ..web.browsers import Watched, chromium, watched
from ..web.lab import Lab
from .load import serving

LAUNCHES = 10_000
AT_ONCE = 100
RUNNING, WAITING = 2, 2
"""How many of the groups that are launched at once run, and how many wait."""
PERIOD_SECONDS = 2 * 86_400
RUN_SECONDS = 300
LEASE_SECONDS = 86_400.0
ROUNDS = 20
LOOKS = 5
SCREENS = {
    "overview": "",
    "queues": "/queues",
    "queue": "/queues/q",
    "queue, ended": "/queues/q?tab=ended",
    "queue, charts": "/queues/q?tab=charts",
    "queue, config": "/queues/q?tab=config",
    "create queue": "/new-queue",
    "launches": "/launches",
    "launches, filtered": "/launches?name=run-77*&state=failed",
    "launches, sorted": "/launches?sort=-ran",
    "launch": "/launch",
    "run": "/launches/{run}",
    "jobs": "/jobs",
    "agents": "/agents",
    "events": "/events",
}


async def lived_in(url: str) -> str:
    """A queue with launches of two days: most have ended, a tenth of them badly, some run, some
    wait. Gives the id of one that has ended.
    """
    groups = LAUNCHES // AT_ONCE
    clock = Clock()
    clock.now = time.time() - PERIOD_SECONDS
    made = database_of(url, clock)
    ended = ""
    async with made.opened():
        store = Store(made, clock)
        await store.queue()
        for group in range(groups):
            ids: list[str] = []
            async with anyio.create_task_group() as tasks:
                for number in range(AT_ONCE):
                    tasks.start_soon(launch, store, f"run-{group}-{number}", ids)
            if groups - group > WAITING:
                await run(store, ends=groups - group > WAITING + RUNNING)
                ended = ended or ids[0]
            clock.now += PERIOD_SECONDS / groups
    return ended


async def launch(store: Store, name: str, ids: list[str]) -> None:
    """Launch, and note the id."""
    ids.append((await store.launch(name)).id)


async def run(store: Store, *, ends: bool) -> None:
    """Run what waits, all at once; it ends a while later, or goes on."""
    held: list[Claim] = []

    async def begin() -> None:
        claim = await store.write(claims.Take("e", "q", capacity(), LEASE_SECONDS))
        assert claim is not None
        await store.report(claim, ItemState.RUNNING)
        held.append(claim)

    async def end(claim: Claim, code: int) -> None:
        state = ItemState.FAILED if code else ItemState.FINISHED
        await store.report(claim, state, exit_code=code)

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(begin)
    store.clock.now += RUN_SECONDS if ends else 0
    async with anyio.create_task_group() as tasks:
        for number, claim in enumerate(held if ends else ()):
            tasks.start_soon(end, claim, int(number % 10 == 0))


def processor_seconds(pid: int) -> float:
    """What all threads of a process have used; finer than the ticks of `cpu_seconds`."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e9


@contextmanager
def signed_in(place: Place) -> Iterator[httpx.Client]:
    """A browser without a window."""
    with httpx.Client(base_url=place.url, timeout=PATIENCE, verify=NO_TLS) as client:
        client.headers["accept"] = "text/html"
        client.post("/sign-in", data={"token": place.token_file.read_text().strip()})
        yield client


def looked_at(client: httpx.Client, path: str, pid: int) -> Iterator[tuple[float, float]]:
    """Milliseconds until a page is there, and of the service's processor, for each of some looks;
    the first, for which much is loaded, does not count.
    """
    for number in range(ROUNDS + 1):
        before, began = processor_seconds(pid), time.perf_counter()
        answer = client.get(path)
        took, after = time.perf_counter() - began, processor_seconds(pid)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        if number:
            yield took * 1e3, (after - before) * 1e3


def screens() -> Iterator[Figure]:
    """Each screen over many launches."""
    kinds: tuple[Kind, ...] = ("sqlite", "postgresql")
    for kind in kinds:
        with database(kind) as url, folder() as place:
            ended = anyio.run(lived_in, url)
            with serving(url, place) as (served, pid), signed_in(served) as client:
                for name, path in SCREENS.items():
                    looks = list(looked_at(client, f"/e/e{path.format(run=ended)}", pid))
                    walls, processor = zip(*looks, strict=True)
                    figure = f"screen {name}, {LAUNCHES:,} launches, {kind}"
                    yield Figure(f"{figure}, median", median(walls), "ms", "<= 50")
                    yield Figure(f"{figure}, processor", median(processor), "ms", "<= 50")


async def opened(lab: Lab, item: str) -> list[float]:
    """Milliseconds from the address of a launch to the end of its log on the screen."""
    took = []
    async with chromium() as browser, watched(browser, Watched()) as context:
        page = await context.new_page()
        await lab.sign_in(page, "admin")
        for _ in range(LOOKS):
            began = time.perf_counter()
            await page.goto(lab.at(f"/launches/{item}"))
            await expect(page.locator("[data-log-lines]").get_by_text(LAST)).to_be_visible()
            took.append((time.perf_counter() - began) * 1e3)
    return took


def long() -> Iterator[Figure]:
    """A log of a gigabyte in a browser."""
    with folder() as place:
        lab = Lab(place)
        with lab.server(), lab.client() as client:
            client.post("/queues", json=SPEC).raise_for_status()
            item = long_log(client, place / "data" / "launchkit.db")
            took = anyio.run(opened, lab, item)
    yield Figure("log of 1 GiB in Chromium, until its end is seen", median(took), "ms", "<= 2000")
