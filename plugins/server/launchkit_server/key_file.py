"""The file of the key that webhooks are signed with, which is made at first need."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from launchkit.errors import ConfigError
from launchkit.private_files import write_once
from launchkit.store.webhook_key import KEY_BYTES, WebhookKey
from launchkit_server.disk_room import room_for


@dataclass(frozen=True)
class KeyFile:
    """A key in a file that only its owner may read. It is read each time, for another service may
    make it.
    """

    path: Path

    async def read(self) -> WebhookKey | None:
        """The key; None if there is none yet.

        :raises ConfigError: if the file cannot be read, or holds something else.
        """
        return await anyio.to_thread.run_sync(self._read)

    async def made(self) -> WebhookKey:
        """The key, which is made now if there is none.

        :raises ConfigError: if the file cannot be made or read, or holds something else.
        :raises Unreachable: if there is no room for it now.
        """
        return await anyio.to_thread.run_sync(self._made)

    def _made(self) -> WebhookKey:
        if (found := self._read()) is not None:
            return found
        try:
            with room_for(f"the key of webhooks {self.path}"):
                write_once(self.path, secrets.token_bytes(KEY_BYTES))
        except OSError as exc:
            raise self._wrong(str(exc.strerror)) from exc
        return self._made()

    def _read(self) -> WebhookKey | None:
        try:
            with self.path.open("rb") as file:
                key = file.read(KEY_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise self._wrong(str(exc.strerror)) from exc
        if len(key) != KEY_BYTES:
            raise self._wrong(f"is no key of {KEY_BYTES} bytes")
        return WebhookKey(key)

    def _wrong(self, why: str) -> ConfigError:
        return ConfigError(
            f"webhook-key-file: {self.path}: {why}",
            hint="let the service read it, or make it in its folder; without the old key,"
            " webhooks are to be made again",
        )
