"""Credentials that are got anew before they end, wherever they are from; imported when AWS is
asked for the first time.
"""

import logging
import os
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from aiobotocore.credentials import AioDeferredRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.exceptions import NoCredentialsError
from botocore.loaders import Loader, create_loader

from launchkit_aws.place import AwsPlace

LOOK_MINUTES = 16
"""Those that do not say when they end are taken for the last minute of what botocore counts as
near: a file with a session token may be written anew at any time.
"""
if (_log := logging.getLogger("aiobotocore.credentials")).level == logging.NOTSET:
    _log.setLevel(logging.ERROR)  # it warns with a traceback of what is raised and told anyway


class FreshCredentials(AioDeferredRefreshableCredentials):  # type: ignore[misc] # it has no types
    """Those of the default chain, or of the role that is assumed with them."""

    def __init__(self, place: AwsPlace) -> None:
        super().__init__(self._got, "launchkit")
        self._place = place

    def distrust(self) -> None:
        """AWS does not accept them: the next request gets others."""
        self._expiry_time = self._time_fetcher()

    async def _got(self) -> dict[str, Any]:
        session = new_session(self._place)
        found = await session.get_credentials()
        if found is None:
            raise NoCredentialsError
        if self._place.role_arn:
            return await self._assumed(session, self._place.role_arn)
        keys = await found.get_frozen_credentials()
        ends = getattr(found, "_expiry_time", None)
        return {
            "access_key": keys.access_key,
            "secret_key": keys.secret_key,
            "token": keys.token,
            "expiry_time": (ends or _now() + timedelta(minutes=LOOK_MINUTES)).isoformat(),
        }

    async def _assumed(self, session: AioSession, role: str) -> dict[str, Any]:
        place = self._place
        more = {"ExternalId": place.external_id} if place.external_id else {}
        async with session.create_client(
            "sts",
            region_name=place.region,
            endpoint_url=place.endpoint_urls.get("sts"),
            config=place.config(),
        ) as sts:
            answer = await sts.assume_role(RoleArn=role, RoleSessionName=place.session_name, **more)
        made = answer["Credentials"]
        return {
            "access_key": made["AccessKeyId"],
            "secret_key": made["SecretAccessKey"],
            "token": made["SessionToken"],
            "expiry_time": made["Expiration"].isoformat(),
        }


def new_session(place: AwsPlace) -> AioSession:
    """A session that has read no settings yet; what AWS's services are like is read once. Whom it
    asks for credentials it asks as all others.
    """
    session = AioSession(profile=place.profile)
    session.register_component("data_loader", _loader())
    session.set_default_client_config(place.config())
    return session


@cache
def _loader() -> Loader:
    return create_loader(os.environ.get("AWS_DATA_PATH"))


def _now() -> datetime:
    return datetime.now(UTC)
