"""Secrets of a run: its variables, the registry's login, and its code. Owned by its root object, so
that the cluster removes them with it; those that it does not own are removed when it is over.
"""

import base64
import json
import time
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from launchkit.abc import Registry
from launchkit.errors import Rejected, SubmitError
from launchkit.images.login import docker_config, registry_of
from launchkit.images.ref import ImageRef
from launchkit.images.target import is_in
from launchkit.model import Credentials, Secret, Submission
from launchkit_kubernetes.cluster.client import MERGE, ClusterClient
from launchkit_kubernetes.cluster.discovery import SECRETS
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.manifest.build import (
    NAME,
    RUN,
    Workload,
    env_secret,
    pull_secret,
)
from launchkit_kubernetes.manifest.code import code_secret
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.packing import PackedCode
from launchkit_kubernetes.runs.whose import Whose, uid_of
from launchkit_kubernetes.status.shape import mapping, text

DOCKER_CONFIG = "kubernetes.io/dockerconfigjson"
DOCKER_CONFIG_KEY = ".dockerconfigjson"
RENEW_SECONDS = 900.0
"""A login that is valid for less is renewed."""


@dataclass(frozen=True, kw_only=True)
class RunSecret:
    """A Secret that is to be there before the object of its run."""

    name: str
    data: Mapping[str, bytes | str]
    type: str = "Opaque"

    def body(self, labels: Mapping[str, str]) -> dict[str, Any]:
        """The object."""
        return {
            "metadata": {"name": self.name, "labels": dict(labels)},
            "type": self.type,
            "data": {key: _encoded(value) for key, value in self.data.items()},
        }


def secrets_of(
    workload: Workload, code: PackedCode | None, login: Mapping[str, Credentials]
) -> Sequence[RunSecret]:
    """All secrets of a run; *login* is that of the image's registry, by its host."""
    name = workload.ref.name
    found: list[RunSecret] = []
    if workload.secrets:
        found.append(RunSecret(name=env_secret(name), data=workload.secrets))
    if login:
        found.append(login_secret(name, login))
    for index, piece in enumerate(code.pieces if code else ()):
        found.append(RunSecret(name=code_secret(name, index), data={"piece": piece}))
    return found


def login_secret(name: str, login: Mapping[str, Credentials]) -> RunSecret:
    """The Secret with which a run's images are pulled."""
    data = {DOCKER_CONFIG_KEY: docker_config(login)}
    return RunSecret(name=pull_secret(name), data=data, type=DOCKER_CONFIG)


async def login_for(submission: Submission, registry: Registry | None) -> Mapping[str, Credentials]:
    """The login of the registry that the image is in, by its host; nothing if it needs none.

    :raises LaunchError: if the registry cannot tell it.
    """
    if registry is None or not registry.pushes or submission.image is None:
        return {}
    try:
        image = ImageRef.parse(submission.image.ref)
        if not is_in(image, registry):
            return {}
    except Rejected:
        return {}
    return await login_to(image.registry, registry)


async def login_to(host: str, registry: Registry) -> Mapping[str, Credentials]:
    """The login of a registry that has this host, by it; nothing if it needs none.

    :raises LaunchError: if the registry cannot tell it.
    """
    found = await registry.credentials()
    return {host: found} if found else {}


def registry_host(registry: Registry) -> str:
    """The host of a registry, as names of images have it.

    :raises Rejected: if the registry gives no name of an image.
    """
    return ImageRef.parse(registry.image_ref("latest")).registry


def is_old(login: Mapping[str, Credentials]) -> bool:
    """Whether a login ends soon."""
    ends = [each.expires_at for each in login.values() if each.expires_at is not None]
    return bool(ends) and min(ends) - time.time() < RENEW_SECONDS


class RunSecrets:
    """The secrets in the cluster. Each call raises ClusterError if the cluster refuses."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client

    async def put(self, ref: Ref, secret: RunSecret, whose: Whose) -> None:
        """Create one, or put it in the place of an earlier try's.

        :raises SubmitError: if the name belongs to somebody else.
        """
        body = secret.body(whose.labels)
        path = SECRETS.path(ref.namespace, secret.name)

        async def once() -> None:
            try:
                await self._client.one("POST", SECRETS.path(ref.namespace), body=body)
            except ClusterRefused as exc:
                if not exc.exists:
                    raise
                found = await self._client.one("GET", path)
                if not whose.owns(found):
                    text = f"the secret {secret.name} in {ref.namespace} belongs to somebody else"
                    raise SubmitError(text) from exc
                patch = {"metadata": {"uid": uid_of(found)}, "data": body["data"]}
                await self._client.one("PATCH", path, body=patch, content_type=MERGE)

        await self._client.answered(once)

    async def renew(self, ref: Ref, login: Mapping[str, Credentials], whose: Whose) -> bool:
        """Give a run that is there another login to pull with; whether it has one still."""
        data = login_secret(ref.name, login).body({})["data"]
        found = await self._logins(ref, whose)
        for name, told in found.items():
            path = SECRETS.path(ref.namespace, name)
            patch = {"metadata": {"uid": uid_of(told)}, "data": data}
            try:
                await self._client.answered(
                    partial(self._client.one, "PATCH", path, body=patch, content_type=MERGE)
                )
            except ClusterRefused as exc:
                if not exc.not_found and not exc.conflict:
                    raise
                return False
        return bool(found)

    async def logged_into(self, ref: Ref, whose: Whose) -> Set[str]:
        """The hosts of the registries that the images of a run are pulled from with a login."""
        found = await self._logins(ref, whose)
        return {registry_of(key) for told in found.values() for key in _logins_in(told)}

    async def _logins(self, ref: Ref, whose: Whose) -> Mapping[str, Mapping[str, Any]]:
        """Its Secrets with logins by their names: an agent of another version has named them in its
        own way.
        """
        listed = await self._listed(ref, whose.selector, fieldSelector=f"type={DOCKER_CONFIG}")
        found = map(mapping, listed)
        return {text(mapping(told.get("metadata")).get("name")): told for told in found}

    async def own(self, ref: Ref, name: str, uid: str) -> None:
        """Make one go with its run's root object."""
        owner = {"apiVersion": ref.api_version, "kind": ref.kind, "name": ref.name, "uid": uid}
        patch = {"metadata": {"ownerReferences": [owner]}}
        path = SECRETS.path(ref.namespace, name)
        await self._client.answered(
            lambda: self._client.one("PATCH", path, body=patch, content_type=MERGE)
        )

    async def runs(self, ref: Ref) -> Sequence[Whose]:
        """The runs that those of this name are of."""
        found = map(Whose.of, map(mapping, await self._listed(ref, RUN)))
        return [*{whose.selector: whose for whose in found if whose is not None}.values()]

    async def remove(self, ref: Ref, whose: Whose) -> None:
        """Remove all secrets of a run that have no owner, or whose owner goes."""
        for told in await self._listed(ref, whose.selector):
            if name := text(mapping(mapping(told).get("metadata")).get("name")):
                await self._client.remove(SECRETS.path(ref.namespace, name), uid_of(mapping(told)))

    async def _listed(self, ref: Ref, selector: str, **fields: str) -> Sequence[object]:
        path = SECRETS.path(ref.namespace)
        params = {"labelSelector": f"{NAME}={ref.name},{selector}", **fields}
        return await self._client.answered(lambda: self._client.listed(path, params))


def _logins_in(secret: Mapping[str, Any]) -> Iterable[str]:
    """The keys of a Docker configuration."""
    data = mapping(secret.get("data")).get(DOCKER_CONFIG_KEY)
    try:
        config = json.loads(base64.b64decode(data if isinstance(data, str) else ""))
    except (ValueError, RecursionError):
        return ()
    return [*mapping(mapping(config).get("auths"))]


def _encoded(value: bytes | str) -> str:
    data = value if isinstance(value, bytes) else _plain(value).encode(errors="surrogateescape")
    return base64.b64encode(data).decode()


def _plain(value: str) -> str:
    return str.__str__(value) if isinstance(value, Secret) else value
