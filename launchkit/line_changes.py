"""What changed between two texts, line by line, told in bounded time."""

from collections.abc import Iterator, Sequence

MOST_LINES = 2_000
"""Of both texts together; to compare more takes time with the square of them."""


def line_changes(
    old: Sequence[str], new: Sequence[str], before: str = "", after: str = ""
) -> Iterator[str]:
    """The changes as `diff -u` tells them, with the names of both; of longer texts as one change,
    from the first line that differs to the last.
    """
    if len(old) + len(new) <= MOST_LINES:
        from difflib import unified_diff

        yield from unified_diff(old, new, before, after, lineterm="")
        return
    begin = _equal(old, new, min(len(old), len(new)))
    end = _equal(old[::-1], new[::-1], min(len(old), len(new)) - begin)
    gone, come = old[begin : len(old) - end], new[begin : len(new) - end]
    if gone or come:
        yield from (f"--- {before}", f"+++ {after}")
        yield f"@@ -{_place(begin, gone)} +{_place(begin, come)} @@"
        yield from (f"-{line}" for line in gone)
        yield from (f"+{line}" for line in come)


def _equal(one: Sequence[str], other: Sequence[str], most: int) -> int:
    """With how many equal lines two texts begin, up to so many."""
    pairs = zip(range(most), one, other, strict=False)
    return next((at for at, line, another in pairs if line != another), most)


def _place(begin: int, lines: Sequence[str]) -> str:
    return f"{begin + bool(lines)},{len(lines)}"
