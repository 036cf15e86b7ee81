"""`python -m chaos [--seconds N] [--seed N] [--backend KIND …] [--runner KIND …]
[FAULT …]`: break things at random.

`PYTHONPATH` has to name the folder `tests`. It fails if anything did not hold, and says what.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import anyio
import click
from waiting import PATIENCE

from chaos.faults import ANYWHERE, FAULTS
from chaos.field import LIMIT, MAX_JOBS, RUNNERS, WHOLE, Field, laid_out
from chaos.judge import Seen, breaches, marks
from launchkit import LaunchHandle
from launchkit.builtin.local_process.holes import NOTE
from launchkit.errors import LaunchkitError
from launchkit.model import ItemState

AGENTS = 2
REFUSED = "submit_failed"
"""A supervisor that finds no room to write an end down does not begin, and says so."""
WAITING = 6
"""So many launches are open at any time, at least."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(FAULTS)))
@click.option("--seconds", default=60.0, show_default=True, help="How long things go wrong.")
@click.option("--seed", default=1, show_default=True, help="Of what is left to chance.")
@click.option(
    "--backend",
    "kinds",
    multiple=True,
    default=("sqlite", "postgres"),
    show_default=True,
    type=click.Choice(["sqlite", "postgres"]),
)
@click.option(
    "--runner",
    "runners",
    multiple=True,
    default=("local-process",),
    show_default=True,
    type=click.Choice(RUNNERS),
)
def main(
    names: Sequence[str], seconds: float, seed: int, kinds: Sequence[str], runners: Sequence[str]
) -> None:
    """Let everything go wrong, or what is named, then count what did not hold."""
    found = [
        breach
        for kind in kinds
        for runner in runners
        for breach in anyio.run(campaign, kind, runner, names, seconds, seed)
    ]
    raise SystemExit(bool(found))


async def campaign(
    kind: str, runner: str, names: Sequence[str], seconds: float, seed: int
) -> Sequence[str]:
    """One on one kind of queue; prints its counts, and gives the breaches."""
    names = names or [*(FAULTS if kind == "postgres" else ANYWHERE)]
    done: Counter[str] = Counter()
    held: list[str] = []
    async with laid_out(kind, runner, seed) as field:
        for _ in range(AGENTS):
            field.start_agent()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_launch_on, field)
            tasks.start_soon(_count_held, field, held)
            with anyio.move_on_after(seconds):
                while True:
                    await _break(field, field.chance.choice(names), done)
            tasks.cancel_scope.cancel()
        seen = await _settled(field)
        noted = marks(field.marks.read_text())
        found = [*breaches(seen, noted, whole=WHOLE, limit=LIMIT), *held]
        ends = Counter(str(one.state) for one in seen)
    refused = sum(one.refused for one in seen)
    title = f"{kind}, {runner}, seed {seed}"
    click.echo(f"{title}: {len(seen)} launches: {_counted(ends)}; {refused} refused")
    click.echo(f"  went wrong: {_counted(done)}")
    click.echo("\n".join(f"  BREACH: {breach}" for breach in found) or "  all held")
    return found


async def _break(field: Field, name: str, done: Counter[str]) -> None:
    with anyio.CancelScope(shield=True):  # a fault that has begun is mended
        await FAULTS[name](field)
    done[name] += 1
    await anyio.sleep(field.chance.uniform(0, 1))


async def _launch_on(field: Field) -> None:
    while True:
        try:
            open_ = [run for run in field.runs if not (await run.view()).item.state.ended]
            if len(open_) < WAITING:
                await field.launch()
        except LaunchkitError:
            pass  # the queue is away, or its disk is full
        await anyio.sleep(0.1)


async def _count_held(field: Field, breaches: list[str]) -> None:
    while True:
        with suppress(LaunchkitError):
            breaches.extend(
                f"agent {agent.status.name} holds {agent.held} of {MAX_JOBS}"
                for agent in await field.client.agents()
                if agent.online and agent.held > MAX_JOBS
            )
        await anyio.sleep(0.1)


async def _settled(field: Field) -> Sequence[Seen]:
    """All launches once they have ended; one that never does is told as it is."""
    with anyio.move_on_after(PATIENCE):
        for run in field.runs:
            if (await run.view()).item.state is ItemState.HELD:
                await run.requeue()
            await run.wait()
    return [
        await _seen(run, code=number % 3, stopped=run.run_id in field.stopped)
        for number, run in enumerate(field.runs)
    ]


async def _seen(run: LaunchHandle, *, code: int, stopped: bool) -> Seen:
    state, verdict = (await run.view()).item.state, run.item.verdict
    return Seen(
        run_id=run.run_id,
        state=state,
        exit_code=run.item.exit_code,
        ends=sum(bool(event.state and event.state.ended) for event in await run.events()),
        log="\n".join([line async for line in run.logs() if line != NOTE.strip()]),
        code=code,
        stopped=stopped,
        refused=bool(verdict and verdict.code == REFUSED),
        why=f"{verdict.code}: {verdict.summary}" if verdict else "",
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "nothing"


if __name__ == "__main__":
    main()
