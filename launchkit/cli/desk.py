"""Where people and webhooks are managed, and records kept: the database itself, or the queue
service that has it.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

from launchkit.addresses import masked_url
from launchkit.builtin.http.hub import HttpHub
from launchkit.builtin.http.service import connect
from launchkit.cli.absent import Absent, with_its_file
from launchkit.cli.asked import answer_to
from launchkit.cli.session import loaded_settings, run
from launchkit.client.actor import current_user
from launchkit.errors import ConfigError
from launchkit.settings import AgentSettings
from launchkit.store import people, tokens, webhooks
from launchkit.store.database import Body
from launchkit.store.happened import Audit, Happened
from launchkit.store.opening import database_of

T = TypeVar("T")
DATABASES = ("sqlite:", "postgresql:", "postgres:")
SERVICES = ("http:", "https:")
LOOKS = (people.ListAccounts, people.ListGrants, tokens.ListTokens, webhooks.List, Happened, Audit)
"""What only looks."""
BEGINS = (people.AddAccount, people.GrantRole, tokens.CreateToken, tokens.CreateAgentToken)
"""With what a database may begin."""


@dataclass(frozen=True)
class Desk:
    """Where it is, and who comes to it; a service knows that by the token."""

    settings: AgentSettings
    actor: str

    @property
    def entity(self) -> str:
        """The chosen entity."""
        return self.settings.entity

    def do(self, body: Body[T]) -> T:
        """Run *body* in a transaction of the database, or have the service do it."""

        async def main(url: str) -> T:
            async with AsyncExitStack() as stack:
                if url.startswith(DATABASES):
                    database = database_of(url)
                    await stack.enter_async_context(database.opened())
                    look = isinstance(body, LOOKS)
                    return await (database.read(body) if look else database.write(body))
                hub = HttpHub.configured(
                    {**self.settings.queue().options(), "url": url, "entity": self.entity}
                )
                service = await connect(stack, url, self.entity, hub.token, hub.token_file)
                return cast("T", await answer_to(body, service))

        with with_its_file(self.settings, _absent(body)) as settings:
            return run(partial(main, settings.backend_url()))


def desk() -> Desk:
    """The chosen database or service.

    :raises ConfigError: if the backend is none.
    """
    settings = loaded_settings(for_agent=False).settings
    url = settings.backend_url()
    if not url.startswith((*DATABASES, *SERVICES)):
        raise ConfigError(
            f"{masked_url(url)}: this is asked of a queue service or its database",
            hint="name it: --backend https://…, sqlite:///PATH or postgresql://…",
        )
    return Desk(settings, current_user())


def _absent(body: object) -> Absent:
    """What is done where the database is a file that is not there."""
    if isinstance(body, LOOKS):
        return Absent.EMPTY
    return Absent.MADE if isinstance(body, BEGINS) else Absent.REFUSED
