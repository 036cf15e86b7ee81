"""The names of container images, as the distribution project's reference grammar has them.

See https://pkg.go.dev/github.com/distribution/reference: `[domain/]path[:tag][@digest]`.
"""

import re

from launchkit.errors import Rejected

_LABEL = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_ALGORITHM = r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
    rf"(?:@{_ALGORITHM}:[0-9a-fA-F]{{32,}})?"
)
LONGEST_NAME = 255


def check_image_name(text: str, path: str) -> str:
    """Give back *text* if it names an image; *path* is where it was written.

    :raises Rejected: if it cannot be the name of an image.
    """
    found = _REFERENCE.fullmatch(text)
    if found and len(found["name"]) <= LONGEST_NAME:
        return text
    raise Rejected(f"{path}: {text!r} is not the name of an image", hint=_advice(text))


def _advice(text: str) -> str:
    before, at, digest = text.partition("@")
    repository = before if "/" in before else before.partition(":")[0]
    if text != text.strip() or re.search(r"\s", text):
        return "a name has no spaces, line breaks or comments"
    if at and not _REFERENCE.fullmatch(f"a@{digest}"):
        return "a digest is written sha256: and 64 hex digits"
    if repository != repository.lower():
        return "the repository is written in lower case"
    return "write it as [registry/]repository[:tag], such as ubuntu:24.04"
