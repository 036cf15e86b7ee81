"""Logins to the registry in the secrets of live runs: pods may be made again, and pull again."""

from collections.abc import Mapping

import anyio

from launchkit.abc import Registry
from launchkit.aio.trouble import Trouble
from launchkit.model import Credentials
from launchkit_kubernetes.manifest.build import RUN
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.secrets import (
    RunSecrets,
    is_old,
    login_secret,
    login_to,
    registry_host,
)

LOGIN_SECONDS = 300.0


class Logins:
    """Keeps the logins of live runs valid: of those that this agent has made, and of those that it
    has found.
    """

    def __init__(self, secrets: RunSecrets, registry: Registry | None, trouble: Trouble) -> None:
        self._secrets = secrets
        self._registry = registry if registry is not None and registry.pushes else None
        self._trouble = trouble
        self._kept: dict[Ref, Mapping[str, Credentials]] = {}
        """The login in the secret of each run; empty where it is not known."""

    def keep(self, ref: Ref, login: Mapping[str, Credentials]) -> None:
        """Keep the login of a run valid from now on."""
        self._kept[ref] = login

    def forget(self, ref: Ref) -> None:
        """A run needs none any more."""
        self._kept.pop(ref, None)

    async def adopt(self, ref: Ref, labels: Mapping[str, str]) -> None:
        """Keep the login of a run that an earlier agent has made, if it is one of this registry.
        How long that is valid is not known.
        """
        if self._registry is None or ref in self._kept:
            return
        try:
            hosts = await self._secrets.logged_into(ref, labels.get(RUN, ""))
            if registry_host(self._registry) in hosts:
                self.keep(ref, {})
                await self._renew(ref)
        except Exception as exc:  # noqa: BLE001 - a registry may raise anything
            self._trouble.tell(exc)

    async def run(self) -> None:
        """Renew what ends soon, until cancelled."""
        while True:
            await anyio.sleep(LOGIN_SECONDS)
            for ref, login in [*self._kept.items()]:
                if not login or is_old(login):
                    try:
                        await self._renew(ref)
                    except Exception as exc:  # noqa: BLE001 - a registry may raise anything
                        self._trouble.tell(exc)

    async def _renew(self, ref: Ref) -> None:
        if self._registry is None:
            return
        login = await login_to(registry_host(self._registry), self._registry)
        if login and ref in self._kept:
            if await self._secrets.change(ref, login_secret(ref.name, login)):
                self._kept[ref] = login
            else:  # its run has just been removed
                self.forget(ref)
