"""The tag of an image: equal for whatever builds to the same image, on any machine."""

import hashlib
import json
from collections.abc import Mapping

from launchkit.images.context import BuildPlan, tar_chunks

DIGITS = 40
"""160 bits: so many that nobody can make two sources that meet."""


def image_tag(
    plan: BuildPlan,
    *,
    base_digests: Mapping[str, str],
    platform: str | None,
    build_args: Mapping[str, str],
    builder_version: str,
) -> str:
    """40 hex digits made of all that goes into a build: what is sent, what it is based on and how
    it is built. Owners, times and permissions other than "executable" do not count.

    :raises BuildError: if a file cannot be read, or has changed since the plan was made.
    """
    facts = {
        "base_digests": dict(base_digests),
        "build_args": dict(build_args),
        "builder_version": builder_version,
        "dockerfile": plan.dockerfile,
        "dockerfile_name": plan.dockerfile_name,
        "platform": platform,
    }
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for chunk in tar_chunks(plan):
        sha.update(chunk)
    return sha.hexdigest()[:DIGITS]
