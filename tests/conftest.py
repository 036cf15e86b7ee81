"""What all tests share."""

from surroundings import (
    _own_home,
    anyio_backend,
    docker_engine,
    postgres,
    postgres_url,
    python_image,
)

__all__ = [
    "_own_home",
    "anyio_backend",
    "docker_engine",
    "postgres",
    "postgres_url",
    "python_image",
]
