"""Whether what a text names elsewhere, a host or the registry of an image, is still in the domain
or the registry that the owner's words name, when values are in its fields.
"""

import re
import unicodedata
from collections.abc import Iterator

from launchkit.codec import Path
from launchkit.resolving.filled_text import FilledText, Piece

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _words(text: str) -> list[str]:
    return [word.lower().removesuffix("s") for word in _WORD.findall(text)]


def _known(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in _words(text))


IMAGES = _known("image", "repo", "repository", "repositories", "registry", "docker", "oci")
"""Words that tell of an image."""
HOSTS = _known("host", "hostname", "endpoint", "registry", "url", "uri", "server", "portal") | (
    _known("address", "addresses")
)
"""Last words of keys whose values name a host."""
PLACES = IMAGES | HOSTS | _known("bucket", "role", "arn", "account", "network", "id")
"""Last words of keys whose values name something elsewhere."""

_ENDS = r"\s,;=|&\"'`$(){}<>\[\]\\"
_NAMED = re.compile(rf"(?:^|(?<=[{_ENDS}:@])|(?<=//))[^{_ENDS}:@/?#]+")
"""What could be a host: at the beginning of a text or of a word in it, or in an address."""
_ADDRESS = re.compile(r"//(?:[^/\s]*@)?\Z")
_BUCKET = re.compile(r"\b(?:s3|gs)://\Z", re.IGNORECASE)
_PORT = re.compile(r":[^/\s]*/")
_NEAR = 256
"""Characters before and behind a name that are looked at."""
_DOTS = re.compile("[.\u3002]")
_BEGIN, _DOT, _END = "\0\1\2"
"""Where a free value begins, a dot that it brings, and where it ends."""
_MARKS = re.compile(f"[{_BEGIN}{_END}]")
_VALUE = re.compile(f"{_BEGIN}[^{_END}]*{_END}?")
_ADDRESS_BEGUN = re.compile(f"[0-9.]+{_BEGIN}", re.ASCII)
_OWNERS = re.compile(f"(?:^|{_END})[^{_BEGIN}{_END}]")


def last_words(path: Path) -> list[str]:
    """The words of the last key on a path, in lower case and without an s at the end."""
    return _words(next((part for part in reversed(path) if isinstance(part, str)), ""))


def misled(path: Path, around: str, filled: FilledText, *, everywhere: bool) -> str | None:
    """What a text becomes that it is not to be: something of a registry that *around*, the text
    without values, does not name, or a host of another domain. Where not *everywhere*, only if a
    key, an address or the text tells of an image or a host.
    """
    keys = " ".join(part for part in path if isinstance(part, str))
    of_images = not IMAGES.isdisjoint([*_words(keys), *_words(around)])
    is_image = "image" in last_words(path)[-2:]
    of_hosts = everywhere or not HOSTS.isdisjoint(last_words(path)[-1:])
    for host, before, behind in _named("".join(map(_marked, filled.pieces))):
        is_address = bool(_ADDRESS.search(before))
        is_all = _END in host and everywhere and not is_address
        if behind.startswith("/") and (of_images or is_all) and _is_new_registry(host, of_images):
            return "of another registry"
        is_first = behind.startswith("/") or bool(_PORT.match(behind))
        could_be = is_address or (is_first if is_image else of_hosts)
        if could_be and not _BUCKET.search(before) and _is_joined(host):
            return "a host of another domain"
    return None


def _named(marked: str) -> Iterator[tuple[str, str, str]]:
    """What could be a host with values in it, and what stands before and behind it."""
    for found in _NAMED.finditer(marked):
        host = found[0]
        marks = _MARKS.search(host)
        if marks is None:
            continue
        if marks[0] == _END:  # it begins within a value
            host = _BEGIN + host
        before = marked[max(0, found.start() - _NEAR) : found.start()]
        behind = marked[found.end() : found.end() + _NEAR]
        yield host, _MARKS.sub("", before), _MARKS.sub("", behind)


def _marked(piece: Piece) -> str:
    """A free value with its ends and its dots marked, as those who look hosts up read them."""
    if not piece.is_free:
        return _without_marks(piece.text)
    normal = _without_marks(unicodedata.normalize("NFKC", piece.text))
    return f"{_BEGIN}{_DOTS.sub(_DOT, normal)}{_END}"


def _without_marks(text: str) -> str:
    return re.sub(f"[{_BEGIN}{_DOT}{_END}]", " ", text)


def _is_new_registry(host: str, of_images: bool) -> bool:
    bare, filled = _VALUE.sub("", host), _MARKS.sub("", host).replace(_DOT, ".")
    return _names_registry(filled, of_images) and not _names_registry(bare, of_images)


def _names_registry(host: str, of_images: bool) -> bool:
    named = host.strip(".") and "." in host
    return bool(named or host == "localhost" or (of_images and host != host.lower()))


def _is_joined(host: str) -> bool:
    """Whether a value makes the domain of a name that the owner's words had begun another one: with
    dots behind the last part that they begin, or behind an address; or with letters that go on in
    the last part (`example.com` becomes `example.community`).
    """
    before, _, last = host.rpartition(".")
    owners = _OWNERS.search(last)
    if owners and _DOT in last[owners.start() :]:
        return not _is_version(last, host)
    if _DOT in last and _ADDRESS_BEGUN.match(host):
        return not _is_version(last, host + "v")
    label = _MARKS.sub("", last).partition(_DOT)[0]
    goes_on = bool(before and owners and owners.start() == 0 and label != _VALUE.sub("", last))
    return goes_on and (label.isalpha() or label.lower().startswith("xn--"))


def _is_version(last: str, host: str) -> bool:
    """Whether the last part is a number, as a version's is, and no address's: in no domain."""
    ending = _MARKS.sub("", last.rpartition(_DOT)[2])
    return ending.isascii() and ending.isdigit() and bool(re.search("[A-Za-z]", host))


def in_place(path: Path) -> bool:
    """Whether the last word of the last key names something elsewhere."""
    return not PLACES.isdisjoint(last_words(path)[-1:])
