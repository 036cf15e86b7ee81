"""Registries that remember what they should ask for."""

from typing import Any, ClassVar

from launchkit.errors import LaunchError
from launchkit.model import Credentials
from mutants.registry_steps import CheckedRegistry


class Remembers(CheckedRegistry):
    """What it answered once."""

    kept: ClassVar[tuple[bool, ...]] = (True, False)

    def __post_init__(self) -> None:
        self.known: dict[str, bool] = {}

    async def exists(self, ref: str) -> bool:
        if ref not in self.known:
            answer = await super().exists(ref)
            if answer not in self.kept:
                return answer
            self.known[ref] = answer
        return self.known[ref]


class RemembersPresence(Remembers):
    kept = (True,)


class RemembersAbsence(Remembers):
    kept = (False,)


class RemembersDigests(CheckedRegistry):
    def __post_init__(self) -> None:
        self.known: dict[str, str] = {}

    async def digest(self, ref: str) -> str | None:
        if ref not in self.known and (digest := await super().digest(ref)):
            self.known[ref] = digest
        return self.known.get(ref)


class RemembersFailures(CheckedRegistry):
    failure: ClassVar[LaunchError | None] = None

    async def exists(self, ref: str) -> bool:
        if self.failure:
            raise self.failure
        try:
            return await super().exists(ref)
        except LaunchError as exc:
            type(self).failure = exc
            raise


class RemembersLogins(CheckedRegistry):
    def __post_init__(self) -> None:
        self.login: Credentials | None = None

    async def credentials(self) -> Credentials:
        self.login = self.login or await super().credentials()
        return self.login


class GivesOneLogin(CheckedRegistry):
    given: int = 0

    async def credentials(self) -> Any:
        self.given += 1
        return await super().credentials() if self.given == 1 else None


class RenewsOnce(CheckedRegistry):
    def __post_init__(self) -> None:
        self.logins: list[Credentials] = []

    async def credentials(self) -> Credentials:
        login = await super().credentials()
        if len(self.logins) < 2 and login not in self.logins:
            self.logins.append(login)
        return login if login in self.logins else self.logins[-1]


class AsksWithAnOldLogin(CheckedRegistry):
    def __post_init__(self) -> None:
        self.password = self.images.password

    async def exists(self, ref: str) -> bool:
        there = await super().exists(ref)
        if self.password != self.images.password:
            raise LaunchError("the registry does not accept the login")
        return there
