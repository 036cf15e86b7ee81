"""What goes wrong, each for a moment."""

import signal
from collections.abc import Awaitable, Callable, Mapping

import anyio
import asyncpg

from chaos.field import LEASE, Field
from launchkit.abc import Release
from launchkit.errors import LaunchkitError

HOUR = 3600.0

Fault = Callable[[Field], Awaitable[None]]


async def kill_agent(field: Field) -> None:
    """An agent dies, and another one is started."""
    agent = field.agents.pop(field.chance.randrange(len(field.agents)))
    agent.kill()
    await anyio.to_thread.run_sync(agent.wait)
    field.start_agent()


async def end_agent(field: Field) -> None:
    """An agent is told to end twice, and another one is started."""
    agent = field.agents.pop(field.chance.randrange(len(field.agents)))
    agent.send_signal(signal.SIGTERM)
    await _for_a_while(field, 0.5)
    agent.send_signal(signal.SIGTERM)
    await anyio.to_thread.run_sync(agent.wait)
    field.start_agent()


async def freeze_agent(field: Field) -> None:
    """An agent stands still, maybe for longer than its leases."""
    agent = field.chance.choice(field.agents)
    agent.send_signal(signal.SIGSTOP)
    await _for_a_while(field, 2 * LEASE)
    agent.send_signal(signal.SIGCONT)


async def stop_launch(field: Field) -> None:
    """Somebody stops a launch."""
    if field.runs:
        run = field.chance.choice(field.runs[-8:])
        field.stopped.add(run.run_id)
        await run.stop("chaos")


async def hold_launch(field: Field) -> None:
    """Somebody holds a launch that waits, and lets it go."""
    if field.runs:
        run = field.chance.choice(field.runs[-8:])
        try:
            await run.hold("chaos")
            await _for_a_while(field, 1)
            await field.client.hub.launches().change(run.id, Release(), "chaos")
        except LaunchkitError:
            pass  # it was under way already


async def fill_disk(field: Field) -> None:
    """The disk with the agents' state, and with a queue in a file, is full."""
    if field.disk is not None:
        field.disk.flood()
        await _for_a_while(field, LEASE)
        field.disk.free()


async def set_clock(field: Field) -> None:
    """Somebody sets the clock of the agents' machine by hours, or sets it right."""
    field.set_clock(field.chance.choice((0, 3 * HOUR, -3 * HOUR)))
    await _for_a_while(field, LEASE)


async def crash_server(field: Field) -> None:
    """PostgreSQL dies, and is started again."""
    if field.server is not None:
        await anyio.to_thread.run_sync(field.server.stop)
        await _for_a_while(field, LEASE)
        await anyio.to_thread.run_sync(field.server.start)


async def cut_network(field: Field) -> None:
    """All connections to PostgreSQL break."""
    if field.way is not None:
        field.way.cut()


async def silence_network(field: Field) -> None:
    """Nothing comes through any more, and nobody says so."""
    if field.way is not None:
        field.way.hold()
        await _for_a_while(field, 2 * LEASE)
        field.way.open()


async def only_read(field: Field) -> None:
    """PostgreSQL refuses to write, as after a failover."""
    if field.server is not None:
        await _default(field.server.url, "on")
        await _for_a_while(field, LEASE)
        await _default(field.server.url, "off")


ANYWHERE: Mapping[str, Fault] = {
    "kill": kill_agent,
    "end": end_agent,
    "freeze": freeze_agent,
    "stop": stop_launch,
    "hold": hold_launch,
    "disk": fill_disk,
    "clock": set_clock,
}
ON_POSTGRES: Mapping[str, Fault] = {
    "crash": crash_server,
    "cut": cut_network,
    "silence": silence_network,
    "read-only": only_read,
}
FAULTS = {**ANYWHERE, **ON_POSTGRES}


async def _for_a_while(field: Field, most: float) -> None:
    await anyio.sleep(field.chance.uniform(0, most))


async def _default(url: str, value: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("set default_transaction_read_only = off")
    await connection.execute(f"alter system set default_transaction_read_only = {value}")
    await connection.execute("select pg_reload_conf()")
    await connection.close()
