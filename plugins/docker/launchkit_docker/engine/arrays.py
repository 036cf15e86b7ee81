"""A long answer of the Engine that is an array of objects, taken apart as it comes."""

import codecs
import json
import re
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any

BEGIN = re.compile(r"[\s,\[]*\{")
END = re.compile(r"\s*(?:\[\s*)?\]\s*")
_decoded = json.JSONDecoder().raw_decode


class ObjectTooLarge(ValueError):
    """An object, or what stands in place of one, has more characters than are read of it."""


async def objects(
    chunks: AsyncIterable[bytes], *, longest: int
) -> AsyncGenerator[dict[str, Any], None]:
    """Each object of up to *longest* characters; no more than twice as many are kept, beside one
    chunk. Takes time in proportion to the bytes, however they are cut.

    :raises ObjectTooLarge: if one is longer, and does not end before twice as many.
    :raises ValueError: if it is no array of objects.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    parts, size, enough = list[str](), 0, 0
    async for chunk in chunks:
        parts.append(decoder.decode(chunk))
        size += len(parts[-1])
        if size < enough:
            continue
        found, rest = _taken("".join(parts))
        for each in found:
            yield each
        if len(rest) > longest:
            raise ObjectTooLarge(f"an object has more than {longest} characters")
        parts, size = [rest], len(rest)
        enough = 2 * size  # one that is not whole yet is not tried again with each chunk
    found, rest = _taken("".join((*parts, decoder.decode(b"", final=True))))
    for each in found:
        yield each
    if not END.fullmatch(rest):
        raise ValueError("it is no array of objects")


def _taken(text: str) -> tuple[list[dict[str, Any]], str]:
    """The objects that a text begins with, and what comes after them."""
    found, at = list[dict[str, Any]](), 0
    while (begin := BEGIN.match(text, at)) is not None:
        try:
            one, at = _decoded(text, begin.end() - 1)
        except json.JSONDecodeError:  # as long as its end has not come
            break
        found.append(one)
    return found, text[at:]
