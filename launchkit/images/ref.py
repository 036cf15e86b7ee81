"""The names of container images: one grammar for all that reads or writes them.

It is that of the distribution project with Docker's familiar names, as
https://pkg.go.dev/github.com/distribution/reference has it: `[host/]path[:tag][@digest]`.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from launchkit.addresses import masked_address
from launchkit.errors import Rejected
from launchkit.plain_text import shortened

HUB = "docker.io"
HUB_HOSTS = frozenset({HUB, "index.docker.io", "registry-1.docker.io"})
"""The names of Docker Hub; its images are the same under each."""
OFFICIAL = "library/"
"""Where Docker Hub keeps the images whose names have one part."""

LONGEST_HOST = LONGEST_PATH = 255
LONGEST_TEXT = 800
LONGEST_SHOWN = 120

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]{{1,5}})?")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")

FORM = "write it as [registry/]repository[:tag], such as ubuntu:24.04"
DIGEST_FORM = "a digest is written sha256: and 64 hex digits in lower case"


@dataclass(frozen=True, kw_only=True)
class ImageRef:
    """An image in a registry, or a repository if it has neither tag nor digest.

    :raises Rejected: if no image can be called so.
    """

    host: str
    """The registry's, with its port if it has one, as it is written; Docker Hub's: `docker.io`."""
    path: str
    """The repository, with `library/` if Docker Hub wants it."""
    tag: str | None = None
    digest: str | None = None

    def __post_init__(self) -> None:
        if fault := _fault(self.host, self.path, self.tag, self.digest):
            raise _refused(str(self), "an image", *fault)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a name apart as Docker does. `alice/train` is in Docker Hub, and so is `train`;
        what is before the first slash is a host if it has a dot, a colon or a capital in it, or
        is `localhost`.

        :raises Rejected: if it cannot be the name of an image; a password in it is not shown.
        """
        return cls._read(text, "an image")

    @classmethod
    def parse_repository(cls, text: str) -> Self:
        """Take the name of a repository apart. :raises Rejected: also if it has tag or digest."""
        ref = cls._read(text, "a repository")
        if ref.tag is None and ref.digest is None:
            return ref
        raise _refused(
            text, "a repository", "it names one image of it", "leave out its tag and its digest"
        )

    @classmethod
    def _read(cls, text: str, what: str) -> Self:
        if len(text) > LONGEST_TEXT:
            why = f"it has {len(text)} characters, and {LONGEST_TEXT} are the most"
            raise _refused(text, what, why, FORM)
        if re.search(r"\s", text):
            why = "there is a space or a line break in it"
            raise _refused(text, what, why, "a name has no spaces, line breaks or comments")
        name, at, digest = text.partition("@")
        before, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:
            before, colon, tag = name, "", ""
        host, path = _split(before)
        parts = (host, path, tag if colon else None, digest if at else None)
        if fault := _fault(*parts):
            raise _refused(text, what, *fault)
        return cls(host=parts[0], path=parts[1], tag=parts[2], digest=parts[3])

    @property
    def registry(self) -> str:
        """The host in lower case: equal for all names of one registry."""
        return self.host.lower()

    @property
    def repository(self) -> str:
        """The whole name without tag and digest."""
        return f"{self.host}/{self.path}"

    @property
    def version(self) -> str:
        """What a registry is asked for: the digest if there is one, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    def tagged(self, tag: str) -> Self:
        """The image of that tag in the same repository."""
        return replace(self, tag=tag, digest=None)

    def pinned(self, digest: str) -> Self:
        """The image of that digest in the same repository: no push can change what it names."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        return f"{self.repository}{self._suffix}"

    @property
    def familiar(self) -> str:
        """As Docker shows it: without `docker.io/` and `library/`, if it means the same so."""
        names = (self.path.removeprefix(OFFICIAL), self.path, self.repository)
        same = (name for name in names if _split(name) == (self.host, self.path))
        return f"{next(same)}{self._suffix}"

    @property
    def _suffix(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        return tag if self.digest is None else f"{tag}@{self.digest}"


def is_digest(text: str) -> bool:
    """Whether a text is a digest, such as `sha256:` and 64 hex digits."""
    return _DIGEST.fullmatch(text) is not None


def _split(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    named = first == "localhost" or first != first.lower() or "." in first or ":" in first
    host, path = (first, rest) if slash and named else (HUB, name)
    if host.lower() in HUB_HOSTS:
        host = HUB
    return host, f"{OFFICIAL}{path}" if host == HUB and "/" not in path else path


def _fault(host: str, path: str, tag: str | None, digest: str | None) -> tuple[str, str] | None:
    """What is wrong with the parts of a name, and what to do about it."""
    if digest is not None and not _DIGEST.fullmatch(digest):  # first: it may be a login
        if "/" in digest:
            return "there is a login in it", FORM
        return "what follows the @ is not a digest", DIGEST_FORM
    if len(host) > LONGEST_HOST or not _HOST.fullmatch(host):
        return f"{_shown(host)!r} is not the name of a host", FORM
    if fault := _path_fault(path):
        return fault
    if tag is not None and not _TAG.fullmatch(tag):
        return f"{_shown(tag)!r} cannot be a tag", FORM
    same = _split(f"{host}/{path}") == (host, path)
    return None if same else (f"Docker takes {host}/{path} for another one", FORM)


def _path_fault(path: str) -> tuple[str, str] | None:
    if len(path) > LONGEST_PATH:
        return f"its repository has more than {LONGEST_PATH} characters", FORM
    for part in path.split("/"):
        if not _PART.fullmatch(part):
            hint = "the repository is written in lower case" if part != part.lower() else FORM
            return f"{_shown(part)!r} cannot be a part of a repository's name", hint
    return None


def _refused(text: str, what: str, why: str, hint: str) -> Rejected:
    return Rejected(f"{_shown(text)!r} is not the name of {what}: {why}", hint=hint)


def _shown(text: str) -> str:
    return shortened(masked_address(text), LONGEST_SHOWN)
