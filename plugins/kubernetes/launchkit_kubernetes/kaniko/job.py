"""The Job of one build in the cluster: created or found, followed to its end, removed."""

import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import anyio

from launchkit.abc import Output
from launchkit.aio.retry import Backoff, pauses
from launchkit.errors import BuildError, LaunchError, unwrapped
from launchkit.model import RunState, RunStatus
from launchkit_kubernetes.cluster.board import Board, RunView
from launchkit_kubernetes.cluster.client import MERGE, ClusterClient
from launchkit_kubernetes.cluster.discovery import JOBS, SECRETS
from launchkit_kubernetes.cluster.errors import ClusterRefused
from launchkit_kubernetes.kaniko.manifest import AGENT, BUILD, WAITED, BuildManifest
from launchkit_kubernetes.kaniko.progress import Progress
from launchkit_kubernetes.manifest.names import Ref
from launchkit_kubernetes.runs.logs import RunLogs
from launchkit_kubernetes.runs.reasons import why_no_pods
from launchkit_kubernetes.runs.secrets import RunSecret
from launchkit_kubernetes.runs.whose import labels_of, uid_of
from launchkit_kubernetes.status.conditions import condition
from launchkit_kubernetes.status.job import job_status
from launchkit_kubernetes.status.pod import Pod, waits_for_key
from launchkit_kubernetes.status.shape import mapping, text

log = logging.getLogger("launchkit.kubernetes")

LOOK_SECONDS = 10.0
LOG_SECONDS = 60.0
"""How long the rest of the output is waited for when a build has ended."""
START_SECONDS = 1800.0
"""How long a build may wait for a machine and for its image."""
WAITED_SECONDS = 60.0
"""How often it is marked that an agent waits for a build."""
QUOTA_BACKOFF = Backoff(first=2.0, cap=30.0)
GONE_BACKOFF = Backoff(first=0.1, cap=2.0)


class JobGone(LaunchError):
    """The Job of a build was removed before it had ended, and not by its builder."""


class BuildJob:
    """A Job, which outlives the agent that has made it: the next who builds the same finds it."""

    def __init__(self, client: ClusterClient, board: Board, made: BuildManifest) -> None:
        self._client = client
        self._board = board
        self._made = made
        self._ref = Ref("batch/v1", "Job", made.namespace, made.name)
        self._path = JOBS.path(made.namespace, made.name)
        pod = made.body["spec"]["template"]["spec"]
        self._main = str(pod["containers"][0]["name"])
        self._over = False
        self._uid = ""

    async def put(self, secrets: Sequence[RunSecret], out: Output) -> None:
        """Have it in the cluster, with its secrets. They come after it, and belong to it: so none
        is ever left, and its pod waits until they are there.

        :raises BuildError: if its name belongs to somebody else.
        :raises ClusterError: if the cluster refuses.
        """
        told = await self._created(out)
        self._board.learn(told)
        uid = text(mapping(told.get("metadata")).get("uid"))
        for secret in secrets:
            await self._client.answered(partial(self._put_secret, secret, uid))

    async def follow(self, progress: Progress, out: Output) -> tuple[RunStatus, str]:
        """Wait for its end; how it ended, and what it has left to be read.

        :raises JobGone: if somebody has removed it.
        :raises BuildError: if it does not start.
        """
        with unwrapped():
            async with anyio.create_task_group() as tasks:
                ended = anyio.Event()
                tasks.start_soon(self._copy, progress, ended)
                tasks.start_soon(self._mark)
                status, pods = await self._ended(out)
                self._over = True
                with anyio.move_on_after(LOG_SECONDS):
                    await ended.wait()
                tasks.cancel_scope.cancel()
        return status, self._left(pods)

    async def is_ours_to_remove(self) -> bool:
        """Whether nobody else has made it, and no other agent has come to wait for it."""
        try:
            metadata = mapping(mapping(await self._read()).get("metadata"))
        except ClusterRefused as exc:
            log.warning("%s is left, until the cluster removes it: %s", self._ref, exc)
            return False
        self._uid = text(metadata.get("uid"))
        labels = mapping(metadata.get("labels"))
        return not self._uid or all(
            labels.get(key) == self._made.labels[key] for key in (BUILD, AGENT)
        )

    async def remove(self) -> None:
        """Have it removed with all that it has; none is no error."""
        if self._uid:
            await remove_job(self._client, self._made.namespace, self._made.name, self._uid)

    async def _created(self, out: Output) -> Mapping[str, Any]:
        """The Job, created unless it is there already and goes on."""
        said = False
        for pause in pauses(QUOTA_BACKOFF):
            try:
                return await self._client.answered(
                    lambda: self._client.one(
                        "POST", JOBS.path(self._made.namespace), body=self._made.body
                    )
                )
            except ClusterRefused as exc:
                if exc.exists:
                    if told := await self._adopted():
                        return told
                    continue
                if not exc.over_quota:
                    raise
                if not said:
                    await out.say(f"waits for quota: {exc.message}")
                said = True
            await anyio.sleep(pause)
        raise AssertionError  # the pauses never end

    async def _adopted(self) -> Mapping[str, Any] | None:
        """The Job of an agent that has gone; None if it was over, and is no more."""
        told = await self._read()
        if told is None:
            return None
        metadata = mapping(told.get("metadata"))
        labels = mapping(metadata.get("labels"))
        if labels.get(BUILD) != self._made.name:
            raise BuildError(
                f"the name {self._made.name} in namespace {self._made.namespace} is taken by a Job"
                " of somebody else",
                hint="choose another build-job-name for the builder",
            )
        if metadata.get("deletionTimestamp") is None and not condition(told, "Complete", "Failed"):
            notes = {WAITED: f"{time.time():.0f}"}
            labels = {AGENT: self._made.labels[AGENT]}
            patch = {"metadata": {"labels": labels, "annotations": notes, "uid": uid_of(told)}}
            return await self._client.answered(
                lambda: self._client.one("PATCH", self._path, body=patch, content_type=MERGE)
            )
        self._uid = uid = text(metadata.get("uid"))
        await self.remove()
        for pause in pauses(GONE_BACKOFF):
            left = await self._read()
            if left is None or mapping(left.get("metadata")).get("uid") != uid:
                return None
            await anyio.sleep(pause)
        return None

    async def _put_secret(self, secret: RunSecret, uid: str) -> None:
        place = SECRETS.path(self._made.namespace)
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": self._made.name, "uid": uid}
        body = secret.body({BUILD: self._made.name})
        body["metadata"]["ownerReferences"] = [owner]
        try:
            await self._client.one("POST", place, body=body)
        except ClusterRefused as exc:
            if not exc.exists:
                raise
            found = await self._secret_of_a_build(f"{place}/{secret.name}")
            if found is None:
                await self._client.one("POST", place, body=body)
                return
            metadata = {"ownerReferences": [owner], "uid": uid_of(found)}
            patch = {"metadata": metadata, "data": body["data"]}
            try:
                await self._client.one(
                    "PATCH", f"{place}/{secret.name}", body=patch, content_type=MERGE
                )
            except ClusterRefused as gone:
                if not gone.not_found:
                    raise
                await self._client.one("POST", place, body=body)  # one of an earlier Job has gone

    async def _secret_of_a_build(self, path: str) -> Mapping[str, Any] | None:
        """A Secret that an earlier Job of this build has left; None if it has gone meanwhile.

        :raises BuildError: if it is somebody else's.
        """
        told = await self._client.find(path)
        if told is not None and labels_of(told).get(BUILD) != self._made.name:
            raise BuildError(
                f"the name of the Secret {path.rpartition('/')[2]} in namespace"
                f" {self._made.namespace} is taken by somebody else",
                hint="choose another build-job-name for the builder",
            )
        return told

    async def _ended(self, out: Output) -> tuple[RunStatus, Sequence[Pod]]:
        late = anyio.current_time() + START_SECONDS
        shown = ""
        with self._board.informer.subscribed(self._made.name) as news:
            while True:
                view = await self._view()
                if view.workload is None:
                    raise JobGone(f"{self._ref} was removed before it had ended")
                status = job_status(view.workload, view.pods, main=self._main)
                if status.state.ended:
                    pods = await self._board.pods(self._made.name)  # their watch may tell later
                    return job_status(view.workload, pods, main=self._main), pods
                if await news.wait(LOOK_SECONDS) or status.state is not RunState.STARTING:
                    continue
                waits = await self._waits_for(status, view)
                if waits_for_key(waits) != shown:
                    shown = waits_for_key(waits)
                    await out.mark(f"the build waits: {waits}")
                if anyio.current_time() > late:
                    raise BuildError(
                        f"the build did not start within {START_SECONDS:g} s: {waits}",
                        hint="has the cluster a machine for it, and may that pull kaniko-image?",
                    )

    async def _waits_for(self, status: RunStatus, view: RunView) -> str:
        why = None
        if view.workload is not None and not view.pods:
            why = await why_no_pods(self._client, self._ref, view.workload)
        return why or status.message or "it is not told why"

    async def _copy(self, progress: Progress, ended: anyio.Event) -> None:
        """Pass on what it prints."""
        logs = RunLogs(
            self._client,
            self._ref,
            self._view,
            self._is_over,
            partial(self._board.informer.subscribed, self._made.name),
            _unkept,
        )
        async for chunk in logs.chunks(0):
            await progress.take(chunk.data)
        ended.set()

    async def _mark(self) -> None:
        """Show, until cancelled, that somebody waits for it."""
        while True:
            await anyio.sleep(WAITED_SECONDS)
            patch = {"metadata": {"annotations": {WAITED: f"{time.time():.0f}"}}}
            try:
                await self._client.answered(
                    lambda: self._client.one("PATCH", self._path, body=patch, content_type=MERGE)  # noqa: B023
                )
            except ClusterRefused as exc:
                log.info("%s cannot be marked: %s", self._ref, exc)

    async def _view(self) -> RunView:
        return await self._board.informer.get(self._made.name) or RunView()

    async def _is_over(self) -> bool:
        return self._over

    def _left(self, pods: Sequence[Pod]) -> str:
        """What the executor has written for whoever made it: the digest."""
        ends = (main.ended for main in (pod.main(self._main) for pod in pods) if main)
        return next((end.message for end in ends if end and end.code == 0), "")

    async def _read(self) -> Mapping[str, Any] | None:
        return await self._client.answered(partial(self._client.find, self._path))


async def remove_job(
    client: ClusterClient, namespace: str, name: str, uid: str, version: str | None = None
) -> bool:
    """Have the Job of a build removed with all that it has, unless it is another by now, or not of
    that *version* any more; gives whether it is gone.
    """
    wanted = {"uid": uid} | ({"resourceVersion": version} if version else {})
    path = JOBS.path(namespace, name)
    options = {"propagationPolicy": "Background", "preconditions": wanted}
    try:
        await client.answered(lambda: client.json("DELETE", path, body=options))
    except ClusterRefused as exc:
        if not exc.not_found and not exc.conflict:
            log.warning("the Job %s is left, until the cluster removes it: %s", name, exc)
        return exc.not_found
    return True


async def _unkept(place: str) -> None:
    """A place in the log of a build is kept nowhere."""
