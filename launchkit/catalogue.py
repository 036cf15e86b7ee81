"""Which package provides what is not installed: what to install is part of an error.

These are words for people, and nothing depends on them: a kind that is not listed works as well.
"""

import re
from collections.abc import Mapping

from launchkit.shell_words import shell_word

PACKAGES: Mapping[str, Mapping[str, str]] = {
    "environment": {"aws": "launchkit-aws", "azure": "launchkit-azure", "gcp": "launchkit-gcp"},
    "registry": {
        "acr": "launchkit-azure",
        "ecr": "launchkit-aws",
        "gar": "launchkit-gcp",
        "gcr": "launchkit-gcp",
    },
    "builder": {"docker": "launchkit-docker", "kaniko": "launchkit-kubernetes"},
    "runner": {
        "docker": "launchkit-docker",
        "gcp-vertex": "launchkit-gcp",
        "kubernetes": "launchkit-kubernetes",
        "local-container": "launchkit-docker",
        "sagemaker": "launchkit-aws",
        "vertex": "launchkit-gcp",
    },
    "command": {"server": "launchkit-server"},
    "policy": {"docker": "launchkit-docker", "gpu_slots": "launchkit-docker"},
}
"""By the word for a seam, `command`, or `policy` for its keys: the package of each name."""

ALIASES: Mapping[str, str] = {
    "docker": "local-container",
    "k8s": "kubernetes",
    "vertex": "gcp-vertex",
}
"""Other words for kinds of runners, where these are not installed and cannot say it."""

AZURE = r"windows\.net|chinacloudapi\.cn|usgovcloudapi\.net"
STORES = (
    (r"s3://", "aws"),
    (r"gs://", "gcp"),
    (rf"https://[a-z0-9]+\.blob\.core\.({AZURE})/", "azure"),
)
"""Addresses of object storage, and the environment that can reach them."""


def package_of(word: str, name: str) -> str | None:
    """The package that provides *name*, such as `kaniko` of the word `builder`."""
    return PACKAGES.get(word, {}).get(name)


def install_hint(package: str) -> str:
    """How to get a package."""
    return f"it comes with the package {package}: pip install {shell_word(package)}"


def environment_for(uri: str) -> str | None:
    """The kind of environment that reaches an address of object storage."""
    return next((kind for pattern, kind in STORES if re.match(pattern, uri)), None)
