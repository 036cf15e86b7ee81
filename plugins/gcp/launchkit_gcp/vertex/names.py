"""What a run is called: the same for each try of an attempt, and another for each attempt."""

import re
from dataclasses import dataclass
from typing import Self

from launchkit.errors import RunLost
from launchkit.model import Submission
from launchkit.plain_text import shortened
from launchkit.runners.identity import GCP, RunIdentity

RUN, ITEM, ATTEMPT = GCP.keys["run_id"], GCP.keys["item_id"], GCP.keys["attempt"]
"""Labels by which an attempt's job is found: Vertex AI gives jobs numbers, and takes no names."""
LONGEST_DISPLAY_NAME = 128
_REF = re.compile(
    r"([a-z0-9.:-]{1,150})/([a-z0-9-]{1,41})/([a-z0-9_-]{1,63})/([0-9]{1,9})", re.ASCII
)
_JOB = re.compile(r"projects/([^/]{1,150})/locations/([^/]{1,60})/customJobs/([0-9]{1,30})")


@dataclass(frozen=True)
class Ref:
    """Where a run is, and whose: what is stored as its ref, as `my-project/us-central1/i1/1`."""

    project: str
    region: str
    item: str
    """The label's value."""
    attempt: str

    def __str__(self) -> str:
        return f"{self.project}/{self.region}/{self.key}"

    @property
    def key(self) -> str:
        """What makes it one of a kind, in its project and region."""
        return f"{self.item}/{self.attempt}"

    @property
    def filter(self) -> str:
        """By which its job is listed."""
        return f'labels.{ITEM}="{self.item}" AND labels.{ATTEMPT}="{self.attempt}"'

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one. :raises RunLost: if it is none."""
        found = _REF.fullmatch(text) if len(text) <= 300 else None
        if not found:
            raise RunLost(f"{shortened(text, 200)!r} is not the name of a run of Vertex AI")
        return cls(*found.groups())

    @classmethod
    def of(cls, submission: Submission, project: str, region: str) -> Self:
        """The ref of a submission."""
        labels = GCP.labels(RunIdentity.of(submission.launch, ""))
        return cls(project, region, labels[ITEM], labels[ATTEMPT])


def parent_of(project: str, region: str) -> str:
    """Below which jobs are."""
    return f"projects/{project}/locations/{region}"


def number_of(job: str) -> str:
    """The number of a job, by which its log is found; empty if it has none."""
    found = _JOB.fullmatch(job)
    return found[3] if found else ""


def display_name(given: str | None, submission: Submission) -> str:
    """What the console shows: the name that the queue config gives, or that of the run."""
    text = given or submission.launch.name or submission.name
    return text[:LONGEST_DISPLAY_NAME]
