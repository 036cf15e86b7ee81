"""Logins to registries, in the forms in which Docker's programs and all like them take them."""

import base64
import json
from collections.abc import Mapping

from launchkit.abc import Registry
from launchkit.errors import BuildError
from launchkit.images.ref import HUB, HUB_HOSTS, ImageRef
from launchkit.model import Credentials, Secret

HUB_KEY = "https://index.docker.io/v1/"
"""What Docker calls the registry of Docker Hub where it keeps logins."""


def login_key(registry: str) -> str:
    """What a registry is called where logins are kept."""
    return HUB_KEY if registry == HUB else registry


def registry_of(key: str) -> str:
    """The registry that a key of a Docker configuration stands for; keys may be URLs."""
    plain = key.lower().removeprefix("https://").removeprefix("http://")
    host = plain.partition("/")[0]
    return HUB if host in HUB_HOSTS else host


def login_header(login: Credentials | None, ref: ImageRef) -> Secret:
    """The header `X-Registry-Auth` of the Engine API, for the registry that *ref* is in; without a
    login the Engine still wants one.

    The key of Docker Hub is the one that Docker's own program sends: Engines that keep images in
    containerd use a login for no other name of it. See
    https://docs.docker.com/reference/api/engine/#section/Authentication.
    """
    said: dict[str, str] = {}
    if login:
        said = _parts(login) | {"serveraddress": login_key(ref.registry)}
    return Secret(base64.urlsafe_b64encode(json.dumps(said).encode()).decode())


def docker_config(logins: Mapping[str, Credentials]) -> Secret:
    """A `config.json` of Docker with the login of each registry, by its host: what Kaniko, Buildah
    and a Kubernetes secret of type `kubernetes.io/dockerconfigjson` take.

    An identity token comes with an `auth` of no password: some readers skip entries without one.
    """
    auths: dict[str, dict[str, str]] = {}
    for registry, login in logins.items():
        parts = _parts(login)
        user, password = parts.pop("username", login.IDENTITY), parts.pop("password", "")
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        auths[login_key(registry_of(registry))] = {"auth": auth, **parts}
    return Secret(json.dumps({"auths": auths}))


async def push_login(ref: str, registry: Registry | None) -> Credentials | None:
    """A login to push *ref* with that is known to be good: with a bad one some programs try for a
    minute, and others build for an hour first.

    :raises BuildError: if the registry says that something is wrong with it.
    """
    if registry is None:
        return None
    for finding in await registry.check():
        if finding.level == "error":
            raise BuildError(
                f"{ref} cannot be pushed: {finding.subject}: {finding.message}", hint=finding.hint
            )
    return await registry.credentials()


def _parts(login: Credentials) -> dict[str, str]:
    secret = str.__str__(login.password)
    if login.is_identity:
        return {"identitytoken": secret}
    return {"username": login.username, "password": secret}
