"""Names of training jobs: the same for each try of an attempt, and another for each attempt."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from launchkit.errors import RunLost
from launchkit.model import Submission
from launchkit.plain_text import shortened

LONGEST = 63
DIGEST = 8
NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}", re.ASCII)
"""What SageMaker takes: letters, digits and dashes, with no dash at either end."""
_REF = re.compile(r"([a-z0-9-]{1,40})/([a-zA-Z0-9-]{1,63})", re.ASCII)


@dataclass(frozen=True)
class Ref:
    """Where a training job is: what is stored as a run's ref, as `us-east-1/launchkit-r1-1`."""

    region: str
    name: str

    def __str__(self) -> str:
        return f"{self.region}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one. :raises RunLost: if it is none."""
        found = _REF.fullmatch(text) if len(text) <= 2 * LONGEST else None
        if not found or not NAME.fullmatch(found[2]):
            raise RunLost(f"{shortened(text, 200)!r} is not the name of a training job")
        return cls(found[1], found[2])


def job_name(given: str | None, submission: Submission) -> str:
    """The name of the training job of a submission.

    It is the one that the queue config gives, or the run's id, as W&B has it; attempts after the
    first have their number at its end. What is no name, such as one that macros made, is changed
    to one.
    """
    launch = submission.launch
    text = given or launch.run_id
    if launch.attempt > 1:
        text = f"{text}-{launch.attempt}"
    return text if _is_name(text) else _fitting(text)


def name_problem(name: str) -> str | None:
    """What is wrong with a name that a queue's config gives, if anything."""
    if _is_name(name):
        return None
    return (
        f"{shortened(name, 100)!r} is no name: at most {LONGEST} letters, digits and dashes,"
        " with a letter or digit at both ends"
    )


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST and NAME.fullmatch(text) is not None


def _fitting(text: str) -> str:
    """A name that is made of a text; a digest at its end keeps different ones different."""
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST]
    words = re.sub(r"[^a-zA-Z0-9]+", "-", text[: 4 * LONGEST]).strip("-")
    return f"{words[: LONGEST - DIGEST - 1].rstrip('-') or 'run'}-{digest}"
