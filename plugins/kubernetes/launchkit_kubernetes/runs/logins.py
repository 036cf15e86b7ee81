"""Logins to the registry in the secrets of live runs: pods may be made again, and pull again."""

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from launchkit.abc import Registry
from launchkit.aio.trouble import Trouble
from launchkit.model import Credentials
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.secrets import (
    RunSecrets,
    is_old,
    login_to,
    registry_host,
)
from launchkit_kubernetes.runs.whose import Whose

LOGIN_SECONDS = 300.0


@dataclass(frozen=True)
class _Kept:
    ref: Ref
    whose: Whose
    login: Mapping[str, Credentials]
    """Empty where it is not known."""


class Logins:
    """Keeps the logins of live runs valid: of those that this agent has made, and of those that it
    has found.
    """

    def __init__(self, secrets: RunSecrets, registry: Registry | None, trouble: Trouble) -> None:
        self._secrets = secrets
        self._registry = registry if registry is not None and registry.pushes else None
        self._trouble = trouble
        self._kept: dict[tuple[Ref, str], _Kept] = {}
        """By where its root object is, and which run it is."""

    def keep(self, ref: Ref, whose: Whose, login: Mapping[str, Credentials]) -> None:
        """Keep the login of a run valid from now on."""
        self._kept[ref, whose.selector] = _Kept(ref, whose, login)

    def forget(self, ref: Ref, whose: Whose) -> None:
        """A run needs none any more."""
        self._kept.pop((ref, whose.selector), None)

    async def adopt(self, ref: Ref, whose: Whose) -> None:
        """Keep the login of a run that an earlier agent has made, if it is one of this registry.
        How long that is valid is not known.
        """
        if self._registry is None or (ref, whose.selector) in self._kept:
            return
        try:
            hosts = await self._secrets.logged_into(ref, whose)
            if registry_host(self._registry) in hosts:
                self.keep(ref, whose, {})
                await self._renew(ref, whose)
        except Exception as exc:  # noqa: BLE001 - a registry may raise anything
            self._trouble.tell(exc)

    async def run(self) -> None:
        """Renew what ends soon, until cancelled."""
        while True:
            await anyio.sleep(LOGIN_SECONDS)
            for kept in [*self._kept.values()]:
                if not kept.login or is_old(kept.login):
                    try:
                        await self._renew(kept.ref, kept.whose)
                    except Exception as exc:  # noqa: BLE001 - a registry may raise anything
                        self._trouble.tell(exc)

    async def _renew(self, ref: Ref, whose: Whose) -> None:
        if self._registry is None:
            return
        login = await login_to(registry_host(self._registry), self._registry)
        if login and (ref, whose.selector) in self._kept:
            if await self._secrets.renew(ref, login, whose):
                self.keep(ref, whose, login)
            else:  # its run has just been removed
                self.forget(ref, whose)
