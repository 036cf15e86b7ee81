"""What all tests share."""

import gc

import pytest
from surroundings import (
    _own_home,
    anyio_backend,
    docker_engine,
    moon,
    mounted,
    postgres,
    postgres_url,
    python_image,
    small_disk,
)

__all__ = [
    "_own_home",
    "anyio_backend",
    "docker_engine",
    "moon",
    "mounted",
    "postgres",
    "postgres_url",
    "python_image",
    "small_disk",
]


@pytest.hookimpl(trylast=True)  # a plugin's conftest may mark what it knows to be long
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin early with the files that hold a test that takes long, so that nothing waits for them
    at the end.
    """
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Leave all that was collected out of what is looked through for garbage."""
    gc.collect()
    gc.freeze()
