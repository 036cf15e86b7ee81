"""A config to begin with, made of the JSON Schema of what may be in it."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

WIDTH = 88


def starter(kind: str, schema: Mapping[str, Any]) -> str:
    """YAML in which each key stands as a comment, with what is said of it and its default."""
    lines = [f"# The config of a queue of kind {kind}. Remove the # before what you need."]
    for name, about in schema.get("properties", {}).items():
        lines += ["", *_wrapped(about), *_example(name, about)]
    return "\n".join(lines) + "\n"


def _wrapped(about: Mapping[str, Any]) -> Iterator[str]:
    for line in textwrap.wrap(str(about.get("description", "")), WIDTH):
        yield f"# {line}"


def _example(name: str, about: Mapping[str, Any]) -> Iterator[str]:
    import yaml  # it takes a while to load

    text = yaml.safe_dump({name: about.get("default")}, sort_keys=False)
    for line in text.replace(": null\n", ":\n", 1).splitlines():
        yield f"# {line}"
