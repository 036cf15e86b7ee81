"""The environment `gcp`: a project of Google Cloud, with Cloud Storage as object storage."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from launchkit.abc import Environment, Finding, Site
from launchkit.addresses import masked_url
from launchkit.aio.lazy import Lazy
from launchkit.errors import LaunchkitError
from launchkit.plain_text import shortened
from launchkit_gcp.errors import LOGIN_HINT, GcpAway, GcpRefused, NoLogin, soon
from launchkit_gcp.places import EMAIL, GcpPlace, check_project, check_region
from launchkit_gcp.rights import Need, rights_findings, store_needs
from launchkit_gcp.storage import Bucket, GcsAddress, find_bucket, no_bucket, remove, upload

if TYPE_CHECKING:
    from launchkit_gcp.api import GoogleApi
    from launchkit_gcp.credentials import GcpCredentials, Token

API = "launchkit_gcp.api"
"""Imported when Google Cloud is asked for the first time."""
SUBJECT = "environment gcp"
CREDENTIALS = "credentials of Google Cloud"


@dataclass(kw_only=True)
class GcpEnvironment(Environment):
    """A project of Google Cloud, in one region.

    Credentials are the application default ones, and tokens are got anew before they end.
    """

    kind: ClassVar[str] = "gcp"

    region: str
    """The region that the agent works in, such as us-central1."""
    project: str
    """The id of the project that it works in."""
    service_account_file: str | None = None
    """A key of a service account, as a JSON file; by default, what the machine or pod may do."""
    impersonate_service_account: str | None = None
    """The email of a service account to act as, with these credentials."""
    endpoint_urls: Mapping[str, str] = field(default_factory=dict)
    """Where services answer that are not Google's own, or are reached another way: by the first
    words of their hosts, such as storage, artifactregistry, aiplatform."""

    _place: GcpPlace = field(init=False, repr=False)
    _api: "Lazy[GoogleApi]" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, check in (("region", check_region), ("project", check_project)):
            try:
                check(getattr(self, name))
            except ValueError as exc:
                raise ValueError(f"{name}: {exc}") from None
        email = self.impersonate_service_account
        if email is not None and not EMAIL.fullmatch(email):
            raise ValueError(
                f"impersonate_service_account: {shortened(email, 100)!r} is no email of a service"
                " account, such as launch@my-project.iam.gserviceaccount.com"
            )
        for service, url in self.endpoint_urls.items():
            _check_endpoint(service, url)

    async def start(self, stack: AsyncExitStack, site: Site) -> None:
        """Remember where it stands; Google Cloud need not answer yet."""
        self._place = GcpPlace(
            project=self.project,
            region=self.region,
            service_account_file=self.service_account_file,
            impersonate=self.impersonate_service_account,
            endpoint_urls=dict(self.endpoint_urls),
        )
        self._api = Lazy(API, lambda api: api.open_api(stack, self._place))

    @property
    def place(self) -> GcpPlace:
        """Where it stands, once it has started."""
        return self._place

    async def api(self) -> "GoogleApi":
        """What carries requests to Google's APIs. It is shared, and open until the agent ends."""
        return await self._api.opened()

    async def credentials(self) -> Any:
        """Those of the library google-auth, which Google's other libraries take.

        :raises GcpError: if there are none.
        """
        return await (await self.api()).credentials.made()

    async def token(self) -> "Token":
        """A token that is valid for some minutes more. :raises GcpError: if there is none."""
        return await (await self.api()).credentials.token()

    def variables(self) -> Mapping[str, str]:
        """The project, and where Cloud Storage answers if that is not Google's own place: as
        Google's libraries read it, and as Kaniko does.
        """
        found = {"GOOGLE_CLOUD_PROJECT": self.project}
        if url := self.endpoint_urls.get("storage"):
            found["STORAGE_EMULATOR_HOST"] = url
        return found

    @classmethod
    def user_files(cls) -> Mapping[Path, str]:
        """That of the default credentials: the one that is named, or that of `gcloud`."""
        named = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
        gcloud = Path(os.environ.get("CLOUDSDK_CONFIG") or Path.home() / ".config/gcloud")
        path = Path(named) if named else gcloud / "application_default_credentials.json"
        return {path: CREDENTIALS}

    def secret_files(self) -> Mapping[Path, str]:
        """That of the service account."""
        named = self.service_account_file
        return {Path(named): CREDENTIALS} if named else {}

    async def check(self) -> Sequence[Finding]:
        """Whether there are credentials, and whose they are."""
        try:
            api = await self.api()
            await _some_token(api.credentials)
        except LaunchkitError as exc:
            return [_failed(SUBJECT, exc)]
        who = api.credentials.account or "whoever these credentials are of"
        message = f"works in {self.region} of project {self.project} as {who}"
        return [Finding(level="ok", subject=SUBJECT, message=message)]

    async def bucket(self, name: str) -> Bucket | None:
        """The bucket of that name, and where it is; None: there is none.

        :raises GcpError: if Cloud Storage does not say.
        """
        return await find_bucket(await self.api(), name)

    async def check_store(self, uri: str) -> Sequence[Finding]:
        """Whether the bucket is there, in this region, and files may be put and removed below."""
        subject = f"store {uri}"
        try:
            address = GcsAddress.parse(f"{uri.rstrip('/')}/x")
            with soon():
                found = await self._bucket_finding(address.bucket, subject)
        except LaunchkitError as exc:
            return [_failed(subject, exc)]
        return [*found, *await self.rights(store_needs(address), subject)]

    async def _bucket_finding(self, name: str, subject: str) -> Sequence[Finding]:
        try:
            there = await self.bucket(name)
        except GcpRefused as exc:
            if exc.denied:
                return ()  # it may be written without being looked at; its rights are told next
            raise
        if there is None:
            raise no_bucket(await self.api(), name)
        if there.is_in(self.region):
            return [Finding(level="ok", subject=subject, message=f"bucket {name} is there")]
        message = f"{there}, and the environment in {self.region}"
        hint = "a bucket in the same region is read faster, and at no cost"
        return [Finding(level="warning", subject=subject, message=message, hint=hint)]

    async def rights(self, needs: Sequence[Need], subject: str) -> Sequence[Finding]:
        """What the agent lacks of *needs*, as the services tell now."""
        try:
            with soon():
                return await rights_findings(await self.api(), needs, subject)
        except LaunchkitError as exc:
            message = f"what the agent may do is not known: {exc.message}"
            return [Finding(level="warning", subject=subject, message=message, hint=exc.hint)]

    async def upload(self, source: Path, uri: str) -> None:
        """Copy a file to Cloud Storage, in parts if it is large.

        :raises LaunchError: if it cannot be read, *uri* is not in Cloud Storage, or its bucket is
            missing.
        """
        address = GcsAddress.parse(uri)
        await upload(await self.api(), source, address)

    async def remove(self, uri: str) -> None:
        """Remove a file from Cloud Storage; none is no error.

        :raises LaunchError: if *uri* is not there, or Cloud Storage does not answer.
        """
        address = GcsAddress.parse(uri)
        await remove(await self.api(), address)


async def _some_token(credentials: "GcpCredentials") -> None:
    """Look whether they give one. :raises GcpError: if they do not, or not soon."""
    try:
        with soon():
            await credentials.token()
    except GcpAway as exc:
        if credentials.are_found:
            raise
        told = "Google Cloud: no credentials are found, and no metadata server answers"
        raise NoLogin(told, hint=LOGIN_HINT) from exc


def _failed(subject: str, exc: LaunchkitError) -> Finding:
    return Finding(level="error", subject=subject, message=exc.message, hint=exc.hint)


def _check_endpoint(service: str, url: str) -> None:
    if not service.replace("-", "").isalnum():
        raise ValueError(
            f"endpoint_urls: {shortened(service, 60)!r} is no service, such as storage"
        )
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            f"endpoint_urls.{service}: {shortened(masked_url(url), 100)!r} is no URL with http or"
            " https"
        )
