"""The Dockerfile that launchkit writes for code that brings none."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from launchkit.images.requirements import Dependencies

HOME = "/home/launchkit"
CACHE = "/var/cache/pip"
"""Where pip keeps what it fetched, in builds that share it."""
INSTALL = "RUN python -m pip install --no-cache-dir "
CACHED_INSTALL = f"RUN --mount=type=cache,target={CACHE} python -m pip install --cache-dir {CACHE} "
WORKDIR = f"{HOME}/src"
"""Where the code lies in an image, and where its command starts."""
USER = "1000:0"
"""Not root. What group 0 may write, a platform that changes the user's number can write too."""

HEADER = (
    "# Made by launchkit. Bring a Dockerfile.launchkit beside your entry point to replace it.\n"
)
OVER_BASE_IMAGE = (
    "python3 -m venv --system-site-packages /env"
    " || python3 -m venv --system-site-packages --without-pip --clear /env"
)
"""Packages of the base image stay in sight, and so does its pip where it cannot give another."""
NO_GIT = (
    "launchkit: git is needed for one of the packages, and could not be installed into this image;"
    " take a base image that has it, or bring a Dockerfile.launchkit with RUN apt-get update &&"
    " apt-get install -y git"
)
DEBIAN_ONLY = (
    "launchkit: this image has no apt-get; builder.accelerator.base_image must be made from Debian"
    " or Ubuntu"
)


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a generated Dockerfile depends on."""

    entry_point: tuple[str, ...]
    python: str | None
    """A version such as 3.11; None: whichever the base image has."""
    base_image: str | None
    """The image in place of the official one of Python."""
    accelerator: bool
    """Python is installed with apt where the base image does not have it."""
    dependencies: Dependencies | None


def write_dockerfile(design: Design) -> str:
    """A Dockerfile for a context that has the code in `src`.

    The packages are a layer of their own, made from nothing but the files that name them: a change
    of the code does not install them anew. Without any, nothing is fetched from a network.
    """
    stages = [_base(design)]
    if design.dependencies:
        stages.append([*_environment(design, design.dependencies)])
    stages.append([*_image(design)])
    return HEADER + "\n".join("".join(f"{line}\n" for line in stage) for stage in stages)


def mount_cache(dockerfile: str) -> str:
    """The same for a builder that knows cache mounts: builds share what pip has fetched, and what
    their steps put there.
    """
    return dockerfile.replace(f"\n{INSTALL}", f"\n{CACHED_INSTALL}")


def _base(design: Design) -> list[str]:
    image = design.base_image or f"python:{design.python}-slim"
    return [f"FROM {image} AS base", "USER 0", *(_apt_python(design) if design.accelerator else [])]


def _apt_python(design: Design) -> Iterator[str]:
    """Python and a virtual environment, which sees what the base image has installed."""
    python = f"python{design.python or 3}"
    missing = (
        f"launchkit: the package sources of this image have no {python}; set the job's runtime to a"
        " version that they have, or take another builder.accelerator.base_image"
    )
    yield f"RUN command -v apt-get >/dev/null || {_give_up(DEBIAN_ONLY)}"
    yield (
        f"RUN {python} -c 'import ensurepip, venv' 2>/dev/null || {{ apt-get update"
        " && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"
        f" {python} {python}-venv && rm -rf /var/lib/apt/lists/*; }} || {_give_up(missing)}"
    )
    yield f"RUN {python} -m venv --system-site-packages /env"
    yield "ENV PATH=/env/bin:$PATH"


def _give_up(message: str) -> str:
    return f"{{ echo {shlex.quote(message)} >&2; exit 1; }}"


def _environment(design: Design, dependencies: Dependencies) -> Iterator[str]:
    yield "FROM base AS environment"
    if not design.accelerator:
        yield f"RUN {OVER_BASE_IMAGE if design.base_image else 'python -m venv /env'}"
        yield "ENV PATH=/env/bin:$PATH"
    if dependencies.needs_git:
        yield (
            "RUN command -v git >/dev/null || { apt-get update && apt-get install -y"
            f" --no-install-recommends ca-certificates git; }} || {_give_up(NO_GIT)}"
        )
    yield f"WORKDIR {WORKDIR}"
    for file in dependencies.files:
        yield _copy(file)
    yield f"{INSTALL}{shlex.join(dependencies.install)}"


def _copy(file: str) -> str:
    if file == ".":
        return "COPY src/ ./"
    return f"COPY {json.dumps([f'src/{file}', f'./{file}'])}"


def _image(design: Design) -> Iterator[str]:
    yield "FROM base"
    yield (
        f"RUN mkdir -p {WORKDIR} && chmod -R g=u {HOME}"
        f" && echo 'launchkit:x:{USER}:launchkit:{HOME}:/bin/sh' >> /etc/passwd"
    )
    if design.dependencies:
        yield "COPY --from=environment /env /env"
        yield "ENV PATH=/env/bin:$PATH"
    yield f"ENV HOME={HOME} USER=launchkit PYTHONUNBUFFERED=1"
    yield f"WORKDIR {WORKDIR}"
    yield f"COPY --chown={USER} src/ ./"
    yield f"USER {USER}"
    yield f"ENTRYPOINT {json.dumps(design.entry_point)}"
