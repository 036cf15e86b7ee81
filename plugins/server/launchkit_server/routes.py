"""Which requests are for people, and which for programs."""

from launchkit.wire.protocol import API

OF_PROGRAMS = (API, "/livez", "/readyz")


def is_page(path: str) -> bool:
    """Whether a path is one of the web app, and not of the API or of what watches the service."""
    return not any(path == own or path.startswith(f"{own}/") for own in OF_PROGRAMS)
