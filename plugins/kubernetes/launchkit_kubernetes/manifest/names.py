"""Names of objects: the same for each try of an attempt, and another for each attempt."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from launchkit.errors import RunLost
from launchkit.model import Submission
from launchkit.plain_text import shortened

LONGEST = 40
"""Letters of a name that launchkit makes: what operators append, such as `-worker-0` or
`-workers-0-0-x7k2p`, must still fit into the 63 of a label."""
LABEL = 63
DIGEST = 8
LETTERS = "run"
"""What a name begins with where it must begin with a letter."""
OWN = "launchkit-"
"""Begins the names of objects that have no other in their config, of what belongs to them, and of
builds."""
NAMES = ("name", "generateName")
"""Where metadata may give another, the stronger first."""
_OF_OTHERS = f"{OWN}of."
"""Begins the names of Secrets of an object that has another name; no name of an object has a dot,
so that they are no other object's."""
_DNS = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
"""RFC 1123, as https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ has it."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}", re.ASCII)


@dataclass(frozen=True)
class Ref:
    """Where an object is: what is stored as a run's ref, as `batch/v1/Job/NAMESPACE/NAME`."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.api_version}/{self.kind}/{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read one. :raises RunLost: if it is none."""
        words = text.split("/") if len(text) < 2 * LABEL + 4 * 253 else []
        if len(words) not in {4, 5} or not all(_WORD.fullmatch(word) for word in words):
            raise RunLost(f"{shortened(text, 200)!r} is not the name of a run in a cluster")
        return cls("/".join(words[:-3]), *words[-3:])


def name_problem(name: str) -> str | None:
    """What is wrong with a name that a queue's config gives, if anything."""
    if problem := own_name_problem(name):
        return problem
    if _is_name(name, LABEL):
        return None
    return (
        f"{shortened(name, 100)!r} is no name: at most {LABEL} small letters, digits and dashes,"
        " with a letter or digit at both ends"
    )


def own_name_problem(name: str) -> str | None:
    """Whether it is one of launchkit's own, or a later attempt's would be."""
    if f"{name}-".startswith(OWN):
        return f"{shortened(name, 100)!r} begins as launchkit's own names do, which others have"
    return None


def own_secret(name: str, what: str) -> str:
    """The name of a Secret of an object: it always begins as launchkit's own names do, so that no
    config can name it.
    """
    return f"{name if name.startswith(OWN) else _OF_OTHERS + name}-{what}"


def workload_name(
    metadata: Mapping[str, Any], submission: Submission, *, is_job: bool = True
) -> str:
    """The name of the object of a submission.

    One that the queue config gives stays as it is for the first attempt, and has the attempt's
    number at its end in others; `generateName` gets the run's id and attempt. What macros made of
    a name may be no name: then it is changed to one.

    Operators name services after their objects, so that only those of Jobs may begin with a digit.
    """
    launch = submission.launch
    given, prefix = map(metadata.get, NAMES)
    longest = LONGEST
    if isinstance(given, str) and given:
        text, longest = given if launch.attempt == 1 else f"{given}-{launch.attempt}", LABEL
    elif isinstance(prefix, str) and prefix:
        text = f"{prefix}{launch.run_id}-{launch.attempt}"
    else:
        text = submission.name
    if not is_job and text[:1].isdecimal():
        text = f"{LETTERS}-{text}"
    return text if _is_name(text, longest) else _fitting(text, letter=not is_job)


def _is_name(text: str, longest: int) -> bool:
    return len(text) <= longest and _DNS.fullmatch(text) is not None


def _fitting(text: str, *, letter: bool) -> str:
    """A name that is made of a text; a digest at its end keeps different ones different."""
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST]
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if letter and words[:1].isdecimal():
        words = f"{LETTERS}-{words}"
    return f"{words[: LONGEST - DIGEST - 1].rstrip('-') or LETTERS}-{digest}"
