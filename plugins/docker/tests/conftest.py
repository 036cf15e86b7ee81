"""What all tests of the plugin share with those of launchkit."""

from surroundings import _own_home, anyio_backend, docker_engine, python_image

__all__ = ["_own_home", "anyio_backend", "docker_engine", "python_image"]
