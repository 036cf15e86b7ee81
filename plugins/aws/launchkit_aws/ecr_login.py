"""Logins to ECR: a token, kept until half of its time is over."""

import base64
import time
from dataclasses import dataclass
from typing import Any

import anyio

from launchkit.errors import LaunchError
from launchkit.model import Credentials, Secret
from launchkit_aws.errors import explained


@dataclass(frozen=True)
class _Kept:
    login: Credentials
    until: float


class EcrLogins:
    """The login to the registries that the agent's credentials reach."""

    def __init__(self, ecr: Any, what: str) -> None:
        self._ecr = ecr
        self._what = what
        self._turn = anyio.Lock()
        self._kept: _Kept | None = None

    async def get(self) -> Credentials:
        """One that is valid for some hours more. :raises AwsError: if there is none."""
        async with self._turn:
            if self._kept is None or self._kept.until <= time.time():
                self._kept = await self._got()
            return self._kept.login

    async def _got(self) -> _Kept:
        with explained(f"{self._what}: cannot get a login"):
            answer = await self._ecr.get_authorization_token()
        try:
            told = answer["authorizationData"][0]
            user, colon, password = (
                base64.b64decode(told["authorizationToken"], validate=True).decode().partition(":")
            )
            ends = told["expiresAt"].timestamp()
        except (LookupError, ValueError, AttributeError, TypeError):
            user = colon = password = ""
            ends = 0.0
        if not (user and colon and password):
            raise LaunchError(f"{self._what}: the login that AWS gives is none")
        now = time.time()
        return _Kept(
            Credentials(username=user, password=Secret(password), expires_at=ends),
            now + (ends - now) / 2,
        )
