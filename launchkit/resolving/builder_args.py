"""What stands under `builder` in a queue's config: the keys that there are."""

from collections.abc import Iterator, Mapping
from itertools import islice

from launchkit.codec import unknown_key
from launchkit.errors import Rejected

ROOT = "resource_args.builder"
MOST_TOLD = 20
KEYS: Mapping[str, tuple[str, ...]] = {
    "": ("accelerator", "base_image", "cuda", "extras", "install"),
    "accelerator": ("base_image",),
    "cuda": ("base_image",),
}
"""The keys of the block, and of each mapping in it."""


def check_builder_args(args: object) -> None:
    """:raises Rejected: naming each key that no builder reads."""
    if lines := [*islice(_strange(args, ROOT, KEYS[""]), MOST_TOLD)]:
        raise Rejected("\n".join(lines), hint=f"`builder` has the keys {', '.join(KEYS[''])}")


def _strange(args: object, place: str, known: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(args, Mapping):
        return
    for key, value in args.items():
        if key not in known:
            yield unknown_key(f"{place}.{key}", str(key), known)
        elif key in KEYS:
            yield from _strange(value, f"{place}.{key}", KEYS[key])
