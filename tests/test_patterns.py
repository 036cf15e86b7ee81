"""No regular expression of launchkit and its plugins takes more than linear time over a text."""

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fuzzing.patterns import Make, attacks, first, uses_of, written_out

PACKAGES = ("launchkit", *(f"launchkit_{name}" for name in ("aws", "azure", "docker", "gcp")),
            "launchkit_kubernetes", "launchkit_server")  # fmt: skip
SHORT, LONG = 1_000, 8_000
"""Characters of two texts that are alike."""
MOST_RATIO = 3 * LONG // SHORT
"""How much longer the long one may take: linear is 8, quadratic 64."""
LEAST_SECONDS = 0.005
"""What takes less is not looked at again."""
MOST_TEXTS = 300


def modules(package: str) -> Iterator[ModuleType]:
    root = pytest.importorskip(package)
    yield root
    for found in pkgutil.walk_packages(root.__path__, f"{package}."):
        if "__main__" not in found.name and ".testing" not in found.name:
            yield importlib.import_module(found.name)


def held(value: Any) -> Iterator[re.Pattern[Any]]:
    """The patterns that a variable of a module is, or has in it."""
    many = value.values() if isinstance(value, dict) else value
    for one in many if isinstance(many, list | tuple | type({}.values())) else [value]:
        if isinstance(one, re.Pattern):
            yield one


def uses(package: str) -> Iterator[tuple[str, Callable[[str], object], re.Pattern[Any]]]:
    """Each pattern with each way in which it is used, and a name for both."""
    seen = set()
    for module in modules(package):
        path = Path(str(module.__file__))
        source = path.read_text()
        for name, value in vars(module).items():
            for pattern in held(value):
                if pattern not in seen:
                    seen.add(pattern)
                    for use in uses_of(source, name):
                        yield f"{module.__name__}.{name}.{use}", used(pattern, use), pattern
        for text, use in written_out(path):
            yield f"{module.__name__} {text!r}", used(re.compile(text), use), re.compile(text)


def used(pattern: re.Pattern[Any], use: str) -> Callable[[str], object]:
    look = pattern.subn if use == "sub" else getattr(pattern, use)
    nothing: list[Any] = [b"" if isinstance(pattern.pattern, bytes) else ""] * (use == "sub")
    if isinstance(pattern.pattern, bytes):
        return lambda text: look(*nothing, text.encode(errors="replace"))
    return lambda text: look(*nothing, text)


def took(look: Callable[[str], object], text: str, tries: int = 1) -> float:
    def once() -> float:
        began = time.thread_time()
        look(text)
        return time.thread_time() - began

    return min(once() for _ in range(tries))


def is_slow(look: Callable[[str], object], make: Make) -> bool:
    if took(look, make(LONG)) < LEAST_SECONDS:
        return False
    short, long = took(look, make(SHORT), 5), took(look, make(LONG), 3)
    return long >= LEAST_SECONDS and long > MOST_RATIO * short


@pytest.mark.parametrize("package", PACKAGES)
def test_no_pattern_takes_more_than_linear_time(package: str) -> None:
    slow = []
    for name, look, pattern in uses(package):
        text = pattern.pattern
        plain = text.decode("latin-1") if isinstance(text, bytes) else text
        makers = attacks(plain, pattern.flags & ~re.UNICODE)
        found = next((make for make in first(makers, MOST_TEXTS) if is_slow(look, make)), None)
        if found is not None:
            slow.append(f"{name}: {found(60)!r}")
    assert slow == []


def test_a_pattern_that_takes_quadratic_time_is_found() -> None:
    for text in (r"a*\Z", r"\$\{(\w+)-([^}]*)\}", r"(?:-e[\s=]*)?(?:[^#]*@)?git", r"(a|b)*a*c"):
        look = used(re.compile(text), "sub")
        assert any(is_slow(look, make) for make in attacks(text, 0)), text
