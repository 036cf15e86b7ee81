"""An agent that sleeps at the wrong moment."""

import anyio

from launchkit import Agent
from launchkit.agent.kit import Kit


class SleepyAgent(Agent):
    """Its heart does not beat while it sleeps, as when the process is stopped."""

    async def _beat(self, kit: Kit) -> None:
        await anyio.sleep_forever()
