"""Scripts as Jobs of the shared cluster, and what the cluster itself has of them."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from launchkit.abc import Run, Runner
from launchkit.model import Image, Submission
from launchkit.testing import RecordingOutput, Workload, make_submission

from .cluster.access import Access


async def begun(runner: Runner, submission: Submission) -> Run:
    """Its run, as soon as it is submitted."""
    await runner.prepare(submission, RecordingOutput())
    return await runner.submit(submission)


class Jobs(Workload):
    """Shell scripts of busybox, each as a Job of its own."""

    def __init__(self, cluster: Access, namespace: str, image: str, place: Path) -> None:
        self.cluster, self.namespace, self.image, self.place = cluster, namespace, image, place

    def exits(self, code: int) -> Submission:
        return self.make(f"exit {code}")

    def waits(self) -> Submission:
        return self.make("trap 'exit 0' TERM; sleep 600 & wait")

    def prints(self, text: str) -> Submission:
        return self.make(f"printf %s {shlex.quote(text)}")

    def shell(self, script: str) -> Submission:
        return self.make(script)

    async def starts(self, submission: Submission) -> int:
        """Each start leaves a line in a directory of the node."""
        record = self.place / submission.name
        return len(record.read_text().splitlines()) if record.exists() else 0

    async def traces(self, submission: Submission) -> Sequence[str]:
        found = [
            f"{kind}/{one['metadata']['name']}"
            for kind in ("pods", "secrets", "configmaps")
            for one in self._items(kind)
            if one["metadata"]["name"].startswith(submission.name)
            and not one["metadata"]["name"].endswith("-record")
        ]
        jobs = self._items("jobs", group="apis/batch/v1")
        return found + [one["metadata"]["name"] for one in jobs if self._is(one, submission)]

    async def exposed(self, submission: Submission) -> bytes:
        pods = [one for one in self._items("pods") if self._is_of(one, submission)]
        jobs = self._items("jobs", group="apis/batch/v1")
        return json.dumps([pods, jobs]).encode()

    async def alive(self, submission: Submission) -> Sequence[str]:
        return [
            one["metadata"]["name"]
            for one in self._items("pods")
            if self._is_of(one, submission) and one["status"].get("phase") in {"Pending", "Running"}
        ]

    def take_name(self, submission: Submission) -> str:
        """Have somebody else make a Job of that name, unless there is one; gives its uid."""
        container = {"name": "c", "image": self.image}
        pod = {"restartPolicy": "Never", "containers": [container]}
        spec = {"parallelism": 0, "template": {"spec": pod}}
        body = {"metadata": {"name": submission.name}, "spec": spec}
        try:
            made = self.cluster.request("POST", self._jobs, body)
        except httpx.HTTPStatusError as exc:
            if exc.response.status_code != httpx.codes.CONFLICT:
                raise
            return ""
        return str(made["metadata"]["uid"])

    def uid(self, submission: Submission) -> str:
        """That of the Job of that name; none is an error."""
        path = f"{self._jobs}/{submission.name}"
        return str(self.cluster.request("GET", path)["metadata"]["uid"])

    @property
    def _jobs(self) -> str:
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs"

    def make(self, script: str, **fields: Any) -> Submission:
        """Runs *script*; *fields* are others of `Submission`."""
        submission = make_submission(**fields)
        line = f"echo started >> /place/{submission.name}; {script}"
        pod = {
            "terminationGracePeriodSeconds": 5,
            "containers": [
                {
                    "imagePullPolicy": "IfNotPresent",
                    "volumeMounts": [{"name": "place", "mountPath": "/place"}],
                }
            ],
            "volumes": [{"name": "place", "hostPath": {"path": str(self.place)}}],
        }
        args = {
            "namespace": self.namespace,
            "spec": {"ttlSecondsAfterFinished": 0, "template": {"spec": pod}},
        }
        command = ("/bin/sh", "-c", line)
        launch = replace(submission.launch, entry_point=command, resource_args=args)
        return replace(
            submission,
            launch=launch,
            command=command,
            resource_args=args,
            image=Image(ref=self.image),
        )

    def _items(self, kind: str, query: str = "", group: str = "api/v1") -> list[dict[str, Any]]:
        path = f"/{group}/namespaces/{self.namespace}/{kind}?{query}"
        found: list[dict[str, Any]] = self.cluster.request("GET", path)["items"]
        return found

    def _is(self, one: dict[str, Any], submission: Submission) -> bool:
        return bool(one["metadata"]["name"] == submission.name)

    def _is_of(self, one: dict[str, Any], submission: Submission) -> bool:
        return bool(one["metadata"]["name"].startswith(f"{submission.name}-"))
