"""The runs of one agent in a cluster: prepared, submitted and found again."""

import logging
from collections.abc import Mapping, Sequence, Set
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from launchkit.abc import Finding, Output, Run, Site
from launchkit.aio.background import attend
from launchkit.aio.carried_through import last_chance
from launchkit.code.remove_tree import remove_tree
from launchkit.errors import LaunchError, LaunchkitError, NotYet, RunLost, SubmitError
from launchkit.model import Attempt, Credentials, Submission
from launchkit.runners.fitting import is_open
from launchkit_kubernetes.cluster.board import Board
from launchkit_kubernetes.cluster.client import ClusterClient, open_client
from launchkit_kubernetes.cluster.discovery import JOBS, Discovery, Resource
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.cluster.findings import (
    RIGHTS,
    cluster_findings,
    missing_right,
    rights_finding,
)
from launchkit_kubernetes.manifest.args import QueueArgs, parse_args
from launchkit_kubernetes.manifest.build import (
    BuildContext,
    Workload,
    no_image,
    pull_secret,
    ref_of,
    workload_of,
)
from launchkit_kubernetes.manifest.code import code_folder
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.manifest.train_job import PLACES, takes
from launchkit_kubernetes.runner import KubernetesRunner
from launchkit_kubernetes.runs.code_volume import CodeVolume
from launchkit_kubernetes.runs.finding import Finder
from launchkit_kubernetes.runs.logins import Logins
from launchkit_kubernetes.runs.packing import PackedCode, packed
from launchkit_kubernetes.runs.reasons import Reasons
from launchkit_kubernetes.runs.records import CLEARED, OVER, Records
from launchkit_kubernetes.runs.run import ClusterRun, RunPlace
from launchkit_kubernetes.runs.secrets import RunSecrets, login_for, secrets_of
from launchkit_kubernetes.runs.trials import Trials
from launchkit_kubernetes.runs.whose import Whose, whose_is
from launchkit_kubernetes.status.pod import Pod

log = logging.getLogger("launchkit.kubernetes")

SWEEP_SECONDS = 3600.0


async def open_runs(stack: AsyncExitStack, site: Site, runner: KubernetesRunner) -> "RunService":
    """Open the cluster, which need not answer yet."""
    opened = open_client(runner.access, runner.api_rate, runner.api_burst)
    client = await stack.enter_async_context(opened)
    service = RunService(site, runner, client)
    watches = service.watch, service.sweep, service.logins.run
    attend(stack, site.tasks, *watches, name="what goes on in the cluster")
    await service.ready.wait()
    return service


class RunService:
    """What the runner works with once the cluster is open."""

    def __init__(self, site: Site, runner: KubernetesRunner, client: ClusterClient) -> None:
        self.ready = anyio.Event()
        self._site = site
        self._runner = runner
        self._client = client
        self._discovery = Discovery(client)
        self._trials = Trials(client, self._discovery)
        self._records = Records(client)
        self._secrets = RunSecrets(client)
        self._boards: dict[tuple[Resource, str], Board] = {}
        self._reasons: dict[tuple[Resource, str], Reasons] = {}
        self._taking: set[tuple[str, str, str]] = set()
        """Kinds and namespaces that take objects, as far as is known."""
        self._code: dict[str, PackedCode] = {}
        self._volume = CodeVolume(runner.code_pvc_mount_path) if runner.code_pvc_name else None
        self._logins: dict[str, Mapping[str, Credentials]] = {}
        self._pull_places: dict[str, str] = {}
        """In which field the TrainJobs of an API version take pull secrets, as it was tried."""
        self._finder = Finder(
            self._object, self._pods_left, self._is_known, self._records, self._secrets
        )
        self.logins = Logins(self._secrets, site.registry, client.trouble)
        self._tasks: TaskGroup

    async def watch(self) -> None:
        """Watch what is asked for, until cancelled."""
        try:
            async with anyio.create_task_group() as self._tasks:
                self.ready.set()
                await anyio.sleep_forever()
        finally:
            for board in self._boards.values():
                for name in board.ages():
                    self._site.watches.pop(name, None)

    async def sweep(self) -> None:
        """Remove what agents have left that were killed at it, and forget old records."""
        while True:
            if self._volume is not None:
                await self._volume.sweep(self._object)
            for namespace in {*self._all_namespaces, *self._namespaces()}:
                try:
                    await self._records.prune(namespace, self._secrets.remove)
                    left = await self._records.half_removed(namespace)
                except LaunchkitError as exc:
                    log.info("namespace %s cannot be swept: %s", namespace, exc)
                    continue
                for ref, whose in left:
                    try:
                        await (await self._run(ref, whose)).aclose()
                    except LaunchkitError as exc:
                        log.info("%s cannot be cleared away: %s", ref, exc)
            await anyio.sleep(SWEEP_SECONDS)

    async def findings(self) -> Sequence[Finding]:
        """What is to be said of the cluster."""
        return await cluster_findings(self._client, *self._all_namespaces, nodes=True)

    async def queue_findings(self, args: QueueArgs) -> Sequence[Finding]:
        """Whether there is the queue's kind of objects, and which rights are missing for them where
        the queue has its runs. What a launch or the agent fills in is not known yet.
        """
        place = (args.api_version, args.kind, args.namespace)
        if any(map(is_open, place)):
            return ()
        resource = await self._discovery.resource(args.api_version, args.kind)
        rights = {**RIGHTS, (resource.group, resource.plural): RIGHTS["batch", "jobs"]}
        namespace = args.namespace or self._runner.default_namespace
        if resource == JOBS and namespace in self._all_namespaces:
            return ()  # said already
        return [await rights_finding(self._client, namespace, rights, "kubernetes")]

    @property
    def _all_namespaces(self) -> Sequence[str]:
        """Those that the settings name."""
        return [*dict.fromkeys((self._runner.default_namespace, *self._runner.namespaces))]

    def context(self, submission: Submission) -> BuildContext:
        """What this agent adds to a submission, as far as it is prepared."""
        code = self._code.get(submission.name)
        context = self._runner.build_context(
            code_pieces=len(code.pieces) if code else int(submission.code is not None),
            pull_secret=bool(self._logins.get(submission.name)),
        )
        version = parse_args(submission.resource_args).api_version
        return replace(context, pull_place=self._pull_places.get(version, context.pull_place))

    async def prepare(self, submission: Submission, out: Output) -> None:
        """Ask the cluster whether it would take the object, unless it has taken the last one of its
        kind, and wait while a quota is used up.

        :raises SubmitError: if it would not.
        :raises StartTimeout: if a quota is used up for longer than the launch's time-out.
        """
        args = parse_args(submission.resource_args)
        if missing := no_image(args, submission):
            raise missing
        for warning in args.warnings:
            await out.say(warning)
        if submission.code is not None and self._volume is None:
            self._code[submission.name] = await run_sync(packed, submission.code)
        self._logins[submission.name] = await login_for(submission, self._site.registry)
        if args.kind == "TrainJob" and self._logins[submission.name]:
            await self._find_pull_place(submission, out)
        ref = ref_of(args, submission, self._runner.default_namespace)
        if _place(ref) not in self._taking or self._client.trouble:
            try:
                limit = submission.launch.limits.place
                await self._trials.wait_for_room(self._workload(submission), out, limit)
            except ClusterRefused as exc:
                raise self._refused(exc) from exc
            self._taking.add(_place(ref))
        if submission.code is not None and self._volume is not None:
            await self._volume.put(self._folder(submission), ref, submission.code)

    async def release(self, submission: Submission) -> None:
        """Forget what was prepared, and the secrets of an object that was never made."""
        self._code.pop(submission.name, None)
        if self._logins.pop(submission.name, None) is None:
            return
        args, whose = parse_args(submission.resource_args), whose_is(submission.launch.which)
        ref = ref_of(args, submission, self._runner.default_namespace)
        try:
            if await self._finder.is_unmade(ref, whose):
                await self._secrets.remove(ref, whose)
                if self._volume is not None and submission.code is not None:
                    await self._volume.remove(self._folder(submission))
        except LaunchkitError as exc:
            log.warning("secrets of %s may be left: %s", ref, exc)

    async def submit(self, submission: Submission) -> Run:
        """Create the object, unless it is there.

        :raises NotYet: if a quota is used up.
        :raises SubmitError: if the cluster refuses, or the name belongs to somebody else.
        """
        workload = self._workload(submission)
        ref, whose = workload.ref, Whose(labels=workload.labels)
        try:
            record = await self._records.get(ref, whose)
            if record is None:
                whose = await self._made(workload, whose, submission)
            elif record.what in {OVER, CLEARED}:
                raise SubmitError(f"{ref.name}: this run is over already")
        except ClusterRefused as exc:
            raise self._refused(exc) from exc
        if submission.code is not None:
            await run_sync(remove_tree, submission.code)
        return await self._run(ref, whose)

    async def require_own(self, ref: str, attempt: Attempt) -> None:
        """Look at the labels of its object, or of what stands beside one.

        :raises OthersRun: if they are of other runs alone.
        :raises Elsewhere: as `attach` does.
        """
        await self._finder.require_own(Ref.parse(ref), attempt)

    async def attach(self, ref: str) -> Run:
        """Find an object again.

        :raises RunLost: if it is gone, or *ref* is not a run's.
        :raises Elsewhere: if nothing of its kind may be looked at in its namespace.
        """
        place = Ref.parse(ref)
        whose, record = await self._finder.found(place)
        run = await self._run(place, whose)
        if record is not None and record.what in {OVER, CLEARED}:
            if record.what == OVER:
                await run.aclose()
            raise RunLost(f"{place.kind} {place.name} is over and removed")
        if record is None:
            self._tasks.start_soon(self.logins.adopt, place, whose)
        return run

    async def discard(self, ref: str) -> None:
        """Remove the secrets of an object that was never made; its code in a volume is swept."""
        place = Ref.parse(ref)
        if (whose := await self._finder.unmade(place)) is not None:
            await self._secrets.remove(place, whose)

    def _is_known(self, ref: Ref) -> bool:
        """Whether runs of its kind are in its namespace, as the settings or other runs have it."""
        known = {*self._boards, *((JOBS, namespace) for namespace in self._all_namespaces)}
        each = ((kind.api_version, kind.kind, namespace) for kind, namespace in known)
        return _place(ref) in each

    def _namespaces(self) -> Set[str]:
        return {namespace for _, namespace in self._boards}

    async def _made(self, workload: Workload, whose: Whose, submission: Submission) -> Whose:
        """Create the object and its secrets; those that are there already stay."""
        ref = workload.ref
        code = self._code.get(submission.name)
        login = self._logins.get(submission.name, {})
        secrets = secrets_of(workload, code, login)
        told = await self._object(ref) if secrets else None
        if told is None:
            for secret in secrets:
                await self._secrets.put(ref, secret, whose)
            await last_chance()
            told = await self._created(workload)
        if not whose.owns(told):
            raise SubmitError(
                f"the name {ref.name} in namespace {ref.namespace} is taken by a {ref.kind} of"
                " somebody else",
                hint="give each run a name of its own: metadata.name such as train-${run_id},"
                " or none",
            )
        board = await self._board(ref)
        board.learn(told)
        whose = whose.seen(told)
        for secret in secrets:
            try:
                await self._secrets.own(ref, secret.name, whose.uid)
            except ClusterRefused as exc:  # its run goes on all the same, and removes it at its end
                log.warning("secret %s does not go with %s: %s", secret.name, ref, exc)
        if login:
            self.logins.keep(ref, whose, login)
        self._code.pop(submission.name, None)
        self._logins.pop(submission.name, None)
        return whose

    async def _created(self, workload: Workload) -> Mapping[str, Any]:
        """The object, created unless it is there. :raises NotYet: if a quota is used up."""
        ref = workload.ref
        resource = await self._discovery.resource(ref.api_version, ref.kind)
        path = resource.path(ref.namespace)
        try:
            return await self._client.answered(
                lambda: self._client.one("POST", path, body=workload.body)
            )
        except ClusterRefused as exc:
            if (told := await self._object(ref)) is not None:  # maybe of a try without answer
                return told
            if not exc.exists and not exc.over_quota:
                raise
            self._taking.discard(_place(ref))
            raise NotYet(exc.message) from exc

    async def _object(self, ref: Ref) -> Mapping[str, Any] | None:
        """The root object as it is now; None if there is none."""
        path = (await self._resource(ref)).path(ref.namespace, ref.name)
        return await self._client.answered(partial(self._client.find, path))

    async def _pods_left(self, ref: Ref) -> Sequence[Pod]:
        """The pods of a root object that is gone, as its name alone tells."""
        resource = await self._resource(ref)
        return await Board(self._client, resource, ref.namespace).pods(ref.name)

    async def _resource(self, ref: Ref) -> Resource:
        return await self._client.answered(
            partial(self._discovery.resource, ref.api_version, ref.kind)
        )

    async def _find_pull_place(self, submission: Submission, out: Output) -> None:
        """See which field of a TrainJob its cluster knows."""
        version = parse_args(submission.resource_args).api_version
        for place in PLACES if version not in self._pull_places else ():
            context = replace(self.context(submission), pull_place=place)
            workload = workload_of(parse_args(submission.resource_args), submission, context)
            try:
                told = await self._trials.made(workload, out)
            except ClusterRefused:
                return  # it will be told of the object itself
            if told is None:
                return
            if takes(told, pull_secret(workload.ref.name)):
                self._pull_places[version] = place
                return
        if version not in self._pull_places:
            await out.say("this cluster's TrainJobs take no pull secret: give the runtime one")

    def _refused(self, exc: ClusterRefused) -> LaunchError:
        """The error of a launch whose object the cluster does not take."""
        hint = missing_right(exc) if exc.forbidden else None
        return SubmitError(f"the cluster refuses: {exc.message}", hint=hint)

    def _workload(self, submission: Submission) -> Workload:
        args = parse_args(submission.resource_args)
        return workload_of(args, submission, self.context(submission))

    async def _forget(self, ref: Ref, whose: Whose) -> None:
        """What stands beside an object that is gone."""
        self.logins.forget(ref, whose)
        if self._volume is not None:
            await self._volume.remove(code_folder(ref, whose.labels))

    def _folder(self, submission: Submission) -> str:
        """Where in the volume its code is."""
        workload = self._workload(submission)
        return code_folder(workload.ref, workload.labels)

    async def _board(self, ref: Ref) -> Board:
        resource = await self._discovery.resource(ref.api_version, ref.kind)
        key = resource, ref.namespace
        if key not in self._boards:
            board = self._boards[key] = Board(self._client, resource, ref.namespace)
            self._tasks.start_soon(board.informer.run, name=f"{ref.kind}s in {ref.namespace}")
            self._site.watches.update(board.ages())
            reasons = self._reasons[key] = Reasons(self._client, ref.kind, ref.namespace)
            self._tasks.start_soon(reasons.run, name=f"why {ref.kind}s in {ref.namespace} wait")
        return self._boards[key]

    async def _run(self, ref: Ref, whose: Whose) -> Run:
        board = await self._board(ref)
        place = RunPlace(
            client=self._client,
            board=board,
            reasons=self._reasons[board.resource, ref.namespace],
            records=self._records,
            secrets=self._secrets,
            gone_seconds=self._runner.gone_seconds,
            force=self._runner.force_delete,
            forget=partial(self._forget, ref),
        )
        return ClusterRun(ref, whose, place)


def _place(ref: Ref) -> tuple[str, str, str]:
    return ref.api_version, ref.kind, ref.namespace
