"""What all tests share."""

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
