"""The Job of a build: settings and a plan in, an object out. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from launchkit.images.maker import PlannedBuild
from launchkit.images.ref import ImageRef
from launchkit.model import Credentials
from launchkit.runners.identity import KUBERNETES
from launchkit.written import literal
from launchkit_kubernetes.kaniko.config import laid_over
from launchkit_kubernetes.manifest.build import KEEP
from launchkit_kubernetes.manifest.names import own_secret

BUILD = "launchkit/build"
"""A label of all that belongs to a build: the name of its Job."""
AGENT = "launchkit/build-agent"
"""A label of its Job: the agent that waits for it."""
CONTEXT = "launchkit/build-context"
"""An annotation of its Job: where its context is, as long as there is one."""
WAITED = "launchkit/build-waited-for"
"""An annotation of its Job that changes as long as an agent waits for it."""
MAIN = "kaniko"
EXECUTOR = "/kaniko/executor"
UNPACK = "launchkit-code"
"""As the runner calls the container that unpacks code: its output is nobody's."""
DIGEST_PLACE = "/dev/termination-log"
LOGIN_MOUNT = "/kaniko/.docker"
CONTEXT_MOUNT = "/kaniko/context"
PIECES_MOUNT = "/kaniko/pieces"
ARCHIVE = "context.tar.gz"
FETCH = (
    f'for pause in 1 5 0; do wget -q -O {CONTEXT_MOUNT}/{ARCHIVE} "$(cat {PIECES_MOUNT}/link)"'
    " && exit; sleep $pause; done; exit 1"
)
"""The wget of Kaniko's image takes an address from its arguments alone; nobody else sees them in
this container, and the address is good for this one file."""
JOIN = f"set -e; cat {PIECES_MOUNT}/* > {CONTEXT_MOUNT}/{ARCHIVE}"
DEADLINE_SECONDS = 3600
TTL_SECONDS = 300
GRACE_SECONDS = 5
DIGITS = 16
_AWS = re.compile(r".*\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn))")
_GOOGLE = re.compile(r"(?:.*[.-])?(?:gcr\.io|pkg\.dev)")


@dataclass(frozen=True, kw_only=True)
class ContextPlace:
    """Where the executor finds the context."""

    address: str
    """Where it was brought."""
    volumes: Sequence[Mapping[str, Any]] = ()
    mounts: Sequence[Mapping[str, Any]] = ()
    pieces: int = 0
    """In how many secrets the archive is."""
    linked: bool = False
    """Whether the pod fetches it by a link in a secret: the executor cannot read the address."""

    @property
    def context(self) -> str:
        """What `--context` is given."""
        return f"tar://{CONTEXT_MOUNT}/{ARCHIVE}" if self.linked else self.address


@dataclass(frozen=True, kw_only=True)
class JobDesign:
    """What the owner of the agent has decided of all builds."""

    prefix: str
    """What the names of Jobs begin with."""
    namespace: str
    image: str
    agent: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    service_account: str | None = None
    auth_secret: str | None = None
    """A Secret of type `kubernetes.io/dockerconfigjson` that is there."""
    secret: tuple[str, str] | None = None
    """A Secret that is there and its key: a login in the form of the registry's cloud."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """By which the executor finds the agent's cloud."""


@dataclass(frozen=True, kw_only=True)
class BuildManifest:
    """The Job of one build. Equal builds of equal settings have Jobs of one name."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    body: Mapping[str, Any]
    pieces: Sequence[str] = ()
    """The names of the Secrets that the pieces of the context are to be in."""
    login: str | None = None
    """The name of the Secret that the login is to be in; None: there is no login."""
    link: str | None = None
    """The name of the Secret that the link to the context is to be in; None: there is no link."""


def lasting(login: Credentials | None, design: JobDesign, now: float) -> Credentials | None:
    """The login for a build, if it holds to the end of any. A shorter one is left out where the pod
    is somebody itself: Google's registries give such logins, and let it push as what it is.
    """
    if login is None or login.expires_at is None:
        return login
    has_own = design.service_account is not None or design.secret is not None
    return None if has_own and login.expires_at < now + DEADLINE_SECONDS else login


def manifest_of(
    build: PlannedBuild, design: JobDesign, place: ContextPlace, *, archive: str, login: bool
) -> BuildManifest:
    """*archive* is a digest of the packed context; *login* tells whether the registry has one."""
    facts = json.dumps(_facts(build, design, place, archive, login), sort_keys=True)
    name = f"{design.prefix}-{hashlib.sha256(facts.encode()).hexdigest()[:DIGITS]}"
    pieces = [own_secret(name, f"context-{piece}") for piece in range(place.pieces)]
    login_name = own_secret(name, "login") if login else None
    labels = {BUILD: name, AGENT: KUBERNETES.text(design.agent)}
    link = own_secret(name, "link") if place.linked else None
    job = _job(build, design, place, login_name)
    pod = job["spec"]["template"]["spec"]
    if pieces:
        _lay_pieces(pod, design.image, pieces)
    if link:
        _lay_link(pod, design.image, link)
    body = laid_over(job, design.config)
    metadata = body["metadata"]
    metadata |= {"name": name, "namespace": design.namespace}
    for about in (metadata, body["spec"]["template"].setdefault("metadata", {})):
        about["labels"] = {**about.get("labels", {}), **labels}
    metadata["annotations"] = {**metadata.get("annotations", {}), CONTEXT: place.address}
    pod = body["spec"]["template"]["spec"]
    pod.setdefault("automountServiceAccountToken", bool(pod.get("serviceAccountName")))
    return BuildManifest(
        name=name,
        namespace=design.namespace,
        labels=labels,
        body=body,
        pieces=pieces,
        login=login_name,
        link=link,
    )


def _facts(
    build: PlannedBuild, design: JobDesign, place: ContextPlace, archive: str, login: bool
) -> Sequence[Any]:
    """All that makes one Job another than the next; not which agent waits for it."""
    given = (design.namespace, design.image, dict(design.config), design.service_account)
    how = (design.auth_secret, design.secret, place.address, login, archive)
    cloud: list[Any] = [dict(design.variables)] if design.variables else []
    if place.linked:
        cloud.append("linked")
    return [build.target.ref, build.platform, dict(build.build_args), *given, *how, *cloud]


def _job(
    build: PlannedBuild,
    design: JobDesign,
    place: ContextPlace,
    login: str | None,
) -> dict[str, Any]:
    volumes, mounts = [*place.volumes], [*place.mounts]
    env: list[Mapping[str, Any]] = [
        {"name": name, "value": value} for name, value in design.variables.items()
    ]
    for volume, mount, variable in _logins(build, design, login):
        volumes.append(volume)
        mounts.append(mount)
        env += variable
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "containers": [
            {
                "name": MAIN,
                "image": design.image,
                "command": [EXECUTOR],
                "args": _args(build, place),
                "env": env,
                "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
                "terminationMessagePath": DIGEST_PLACE,
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
    if design.service_account:
        pod["serviceAccountName"] = design.service_account
    if build.platform:
        pod["nodeSelector"] = {"kubernetes.io/arch": build.platform.rpartition("/")[2]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"labels": {}},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": DEADLINE_SECONDS,
            "ttlSecondsAfterFinished": TTL_SECONDS,
            "template": {"metadata": {"annotations": dict(KEEP)}, "spec": pod},
        },
    }


def _args(build: PlannedBuild, place: ContextPlace) -> list[str]:
    repository = ImageRef.parse(build.target.ref).repository
    flags = [
        f"--context={place.context}",
        f"--dockerfile={build.plan.dockerfile_name}",
        f"--destination={build.target.ref}",
        f"--digest-file={DIGEST_PLACE}",
        "--cache=true",
        f"--cache-repo={repository}",
        "--snapshot-mode=redo",
        "--compressed-caching=false",  # else a large layer is held in memory as a whole
    ]
    if build.platform:
        flags.append(f"--custom-platform={build.platform}")
    flags = [*map(literal, flags)]
    return [*flags, *(f"--build-arg={key}={value}" for key, value in build.build_args.items())]


def _logins(
    build: PlannedBuild, design: JobDesign, login: str | None
) -> Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Sequence[Mapping[str, Any]]]]:
    """The secrets that the executor sees: a volume, where it is mounted, variables."""
    found = []
    if design.secret:
        name, key = design.secret
        file, variables = _cloud_file(ImageRef.parse(build.target.ref).registry)
        found.append(_secret("registry-secret", name, key, file, variables))
    taken = design.secret is not None and found[0][1]["mountPath"] == LOGIN_MOUNT
    file = f"{LOGIN_MOUNT}/config.json"
    if design.auth_secret and not taken:
        found.append(_secret("registry-login", design.auth_secret, ".dockerconfigjson", file))
    elif login and not taken:
        found.append(_secret("registry-login", login, "config.json", file))
    return found


def _cloud_file(host: str) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Where the executor reads the credentials of a registry's cloud: beside its own files, which
    are in no image.
    """
    if _AWS.fullmatch(host):
        file = "/kaniko/.aws/credentials"
        return file, [{"name": "AWS_SHARED_CREDENTIALS_FILE", "value": file}]
    if _GOOGLE.fullmatch(host):
        file = "/kaniko/.config/gcloud/config.json"
        return file, [{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": file}]
    return f"{LOGIN_MOUNT}/config.json", ()


def _secret(
    volume: str, name: str, key: str, file: str, env: Sequence[Mapping[str, Any]] = ()
) -> tuple[Mapping[str, Any], Mapping[str, Any], Sequence[Mapping[str, Any]]]:
    folder, _, base = file.rpartition("/")
    source = {"secretName": name, "items": [{"key": key, "path": base}]}
    mount = {"name": volume, "mountPath": folder, "readOnly": True}
    return {"name": volume, "secret": source}, mount, env


def _lay_pieces(pod: dict[str, Any], image: str, pieces: Sequence[str]) -> None:
    """One piece is the archive itself; several are put together by a container before."""
    mount = {"name": "context", "mountPath": CONTEXT_MOUNT}
    pod["containers"][0]["volumeMounts"].append(mount)
    if len(pieces) == 1:
        source = {"secretName": pieces[0], "items": [{"key": "piece", "path": ARCHIVE}]}
        pod["volumes"].append({"name": "context", "secret": source})
        return
    sources = [
        {"secret": {"name": name, "items": [{"key": "piece", "path": f"{index:04}"}]}}
        for index, name in enumerate(pieces)
    ]
    pod["volumes"] += [
        {"name": "context", "emptyDir": {}},
        {"name": "pieces", "projected": {"sources": sources}},
    ]
    _lay_unpacking(pod, image, JOIN)


def _lay_link(pod: dict[str, Any], image: str, link: str) -> None:
    """A container before fetches the archive."""
    mount = {"name": "context", "mountPath": CONTEXT_MOUNT}
    pod["containers"][0]["volumeMounts"].append(mount)
    pod["volumes"] += [
        {"name": "context", "emptyDir": {}},
        {"name": "pieces", "secret": {"secretName": link}},
    ]
    _lay_unpacking(pod, image, FETCH)


def _lay_unpacking(pod: dict[str, Any], image: str, script: str) -> None:
    mount = {"name": "context", "mountPath": CONTEXT_MOUNT}
    read = {"name": "pieces", "mountPath": PIECES_MOUNT, "readOnly": True}
    pod["initContainers"] = [
        {
            "name": UNPACK,
            "image": image,
            "command": ["sh", "-c", script],
            "securityContext": {"allowPrivilegeEscalation": False},
            "volumeMounts": [mount, read],
        }
    ]
