"""The images of one agent in a cluster: what is the builder's own of `build_once`."""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Site
from launchkit.aio.background import attend
from launchkit.errors import BuildError, LaunchkitError
from launchkit.images.build_once import build_once
from launchkit.images.login import docker_config, push_login
from launchkit.images.maker import ImageMaker, PlannedBuild
from launchkit.images.ref import ImageRef, is_digest
from launchkit.model import BuildRequest, Credentials, Image, RunState, Secret
from launchkit_kubernetes.builder import KanikoBuilder
from launchkit_kubernetes.cluster.board import Board
from launchkit_kubernetes.cluster.client import ClusterClient, open_client
from launchkit_kubernetes.cluster.discovery import JOBS
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.cluster.findings import BUILD_RIGHTS, cluster_findings, missing_right
from launchkit_kubernetes.kaniko.config import build_args
from launchkit_kubernetes.kaniko.context import (
    Archive,
    ContextWay,
    InSecrets,
    InStore,
    InVolume,
    packed_context,
    remove_old,
)
from launchkit_kubernetes.kaniko.job import BuildJob, JobGone, remove_job
from launchkit_kubernetes.kaniko.manifest import (
    BUILD,
    CONTEXT,
    WAITED,
    BuildManifest,
    ContextPlace,
    JobDesign,
    lasting,
    manifest_of,
)
from launchkit_kubernetes.kaniko.progress import Progress
from launchkit_kubernetes.kaniko.verdicts import build_error
from launchkit_kubernetes.runs.secrets import RunSecret
from launchkit_kubernetes.status.shape import mapping, text

log = logging.getLogger("launchkit.kubernetes")

VERSION = "kaniko-1"
"""Part of each tag: to be raised when the same code would give another image."""
TRIES = 3
"""So often the cluster may take a build's place away."""
REMOVE_SECONDS = 15.0
ADOPT_SECONDS = 300.0
"""How long the build of a killed agent waits for its launch to come back."""
SWEEP_SECONDS = 60.0
Mark = tuple[str, str]
"""The id of a Job, and when it was said last that somebody waits for it."""


async def open_builds(stack: AsyncExitStack, site: Site, builder: KanikoBuilder) -> "KanikoBuilds":
    """The builds in a cluster that need not answer yet."""
    opened = open_client(builder.access, builder.api_rate, builder.api_burst)
    client = await stack.enter_async_context(opened)
    builds = KanikoBuilds(client, site, builder)
    attend(stack, site.tasks, builds.watch, builds.sweep, name="builds in the cluster")
    return builds


@dataclass(frozen=True)
class Wanted:
    """An image that is to be built."""

    ref: str
    made: BuildManifest
    archive: Archive
    place: ContextPlace
    secrets: Sequence[RunSecret]


class KanikoBuilds:
    """What the builder works with once the cluster is open."""

    def __init__(self, client: ClusterClient, site: Site, builder: KanikoBuilder) -> None:
        self._client = client
        self._site = site
        self._namespace = builder.build_namespace
        self._board = Board(client, JOBS, self._namespace, label=BUILD)
        self._way = _way_of(builder, site)
        self._folder = site.cache_dir / "kaniko"
        self._build_args = build_args(builder.build_args, builder.kaniko_config or {})
        self._live: set[str] = set()
        """The names of the Jobs that are waited for."""
        self._seen: Mapping[str, tuple[Mark, float]] = {}
        """The Jobs of all builders, their marks, and since when they are so."""
        secret = (builder.secret_name, builder.secret_key)
        self._design = JobDesign(
            prefix=builder.build_job_name,
            namespace=self._namespace,
            image=builder.kaniko_image,
            agent=site.agent,
            config=builder.kaniko_config or {},
            service_account=builder.service_account,
            variables=site.environment.variables() if site.environment else {},
            auth_secret=builder.auth_secret,
            secret=secret if secret[0] and secret[1] else None,  # type: ignore[arg-type] # both
        )

    async def build(self, request: BuildRequest, out: Output) -> Image:
        """The image of the code, from where it is already or newly built.

        :raises Rejected: if something that was asked for is not there, malformed or not allowed.
        :raises BuildError: if it cannot be built or pushed.
        """
        maker = JobMaker(builds=self, build_args=self._build_args)
        return await build_once(request, self._site, out, maker)

    async def made(self, build: PlannedBuild, out: Output) -> str | None:
        """Build and push; the digest. :raises BuildError: if that fails."""
        ref = build.target.ref
        login = lasting(await push_login(ref, build.target.registry), self._design, time.time())
        await out.say(f"building image {ref} in the cluster")
        async with packed_context(build.plan, self._folder, ref) as archive:
            link = await self._way.link(archive)
            place = replace(self._way.place(archive), linked=link is not None)
            made = manifest_of(
                build, self._design, place, archive=archive.digest, login=login is not None
            )
            secrets = [*await _secrets(made, archive, ref, login), *_link_secret(made, link)]
            wanted = Wanted(ref, made, archive, place, secrets)
            try:
                return await self._tried(wanted, out)
            except ClusterRefused as exc:
                hint = missing_right(exc) if exc.forbidden else None
                raise BuildError(f"the cluster refuses: {exc.message}", hint=hint) from exc

    async def watch(self) -> None:
        """Watch the Jobs, until cancelled."""
        ages = {f"builds: {name}": age for name, age in self._board.ages().items()}
        self._site.watches.update(ages)
        try:
            await self._board.informer.run()
        finally:
            for name in ages:
                self._site.watches.pop(name, None)

    async def sweep(self) -> None:
        """Remove what killed agents have left, whose launches had time to come back to it."""
        while True:
            try:
                await self.swept()
            except (LaunchkitError, OSError) as exc:
                log.info("builds in namespace %s cannot be swept: %s", self._namespace, exc)
            await anyio.sleep(SWEEP_SECONDS)

    async def swept(self, patience: float = ADOPT_SECONDS) -> None:
        """Remove the Jobs, with their contexts, that nobody waits for, whoever has made them; and
        old contexts. No clock is compared with another's: a Job that nobody waits for is one whose
        mark has not changed for long enough, as seen from here.
        """
        await run_sync(remove_old, self._folder)
        await self._way.sweep()
        found = await self._client.listed(JOBS.path(self._namespace), {"labelSelector": BUILD})
        now, seen = anyio.current_time(), self._seen
        self._seen = {}
        for told in found:
            metadata = mapping(mapping(told).get("metadata"))
            if mapping(metadata.get("labels")).get(BUILD) != metadata.get("name"):
                continue  # somebody else's
            name, notes = text(metadata.get("name")), mapping(metadata.get("annotations"))
            mark = (text(metadata.get("uid")), text(notes.get(WAITED)))
            since = seen[name][1] if name in seen and seen[name][0] == mark else now
            if name not in self._live and now - since >= patience:
                version = text(metadata.get("resourceVersion"))
                if await remove_job(self._client, self._namespace, name, mark[0], version):
                    await self._way.remove(text(notes.get(CONTEXT)))
            else:
                self._seen[name] = (mark, since)

    async def findings(self) -> Sequence[Finding]:
        """What is to be said of the cluster, and of the store of contexts."""
        found = await cluster_findings(
            self._client, self._namespace, rights=BUILD_RIGHTS, subject="builder kaniko"
        )
        return [*found, *await self._way.findings()]

    async def _tried(self, wanted: Wanted, out: Output) -> str | None:
        """The digest of what is built, also if the cluster takes the place away once or twice."""
        for left in reversed(range(TRIES)):
            job = BuildJob(self._client, self._board, wanted.made)
            progress = Progress(out)
            self._live.add(wanted.made.name)
            try:
                await self._way.deliver(wanted.archive)
                await job.put(wanted.secrets, out)
                status, told = await job.follow(progress, out)
            except JobGone as exc:
                if not left:
                    raise BuildError(exc.message, hint="who removes Jobs there?") from exc
                await out.say(f"{exc.message}: it is built again")
                continue
            finally:
                self._live.discard(wanted.made.name)
                with anyio.move_on_after(REMOVE_SECONDS, shield=True):
                    if await job.is_ours_to_remove():
                        await self._way.remove(wanted.place.address)
                        await job.remove()
            if status.state is RunState.FINISHED:
                return told.strip() if is_digest(told.strip()) else None
            if status.state is not RunState.PREEMPTED or not left:
                raise build_error(wanted.ref, status, progress.printed, progress.step)
            await out.say(f"{status.message or 'its place was taken away'}: it is built again")
        raise AssertionError  # the last try raises


@dataclass(frozen=True)
class JobMaker(ImageMaker):
    """Makes images with Jobs, which push them: nothing is kept where they are built."""

    builds: KanikoBuilds
    build_args: Mapping[str, str] = field(default_factory=dict)
    version: str = VERSION

    async def make(self, build: PlannedBuild, out: Output) -> str | None:
        """Build and push."""
        return await self.builds.made(build, out)


def _way_of(builder: KanikoBuilder, site: Site) -> ContextWay:
    """How contexts come to the executor. :raises ConfigError: if there is no such way here."""
    if builder.pvc_name:
        return InVolume(builder.pvc_name, Path(builder.pvc_mount_path))
    if builder.build_context_store:
        return InStore(builder.build_context_store, builder.store_environment(site))
    return InSecrets()


async def _secrets(
    made: BuildManifest, archive: Archive, ref: str, login: Credentials | None
) -> Sequence[RunSecret]:
    found: list[RunSecret] = []
    if made.login and login:
        data = {"config.json": docker_config({ImageRef.parse(ref).registry: login})}
        found.append(RunSecret(name=made.login, data=data))
    if made.pieces:
        pieces = await archive.pieces()
        found += [
            RunSecret(name=name, data={"piece": piece})
            for name, piece in zip(made.pieces, pieces, strict=True)
        ]
    return found


def _link_secret(made: BuildManifest, link: Secret | None) -> Sequence[RunSecret]:
    return [RunSecret(name=made.link, data={"link": link})] if made.link and link else []
