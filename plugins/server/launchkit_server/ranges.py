"""Which bytes of a thing are wanted (RFC 9110, section 14): one range; of several, all is sent."""

import re
from dataclasses import dataclass

from launchkit_server.problems import Refusal


@dataclass(frozen=True)
class ByteRange:
    """Bytes from *begin* to before *end* of a thing of *size* bytes."""

    begin: int
    end: int
    size: int

    @property
    def content_range(self) -> str:
        """What the header of that name says."""
        return f"bytes {self.begin}-{self.end - 1}/{self.size}"


def wanted_range(header: str | None, size: int) -> ByteRange | None:
    """The range that a request's header asks for; None if it asks for no range, or for several.

    :raises Refusal: if nothing is there.
    """
    found = re.fullmatch(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*", header or "")
    if found is None or found[0].strip() == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    if last and first and int(last) < int(first):
        return None
    if begin >= size:
        raise Refusal(416, f"there are {size} bytes, and none from {begin} on", size=size)
    return ByteRange(begin, end, size)
