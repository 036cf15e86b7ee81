"""The names of images in Artifact Registry, also those of the Container Registry that it took the
place of. Pure.
"""

import re
from dataclasses import dataclass
from typing import Self

from launchkit.errors import Rejected
from launchkit.images.ref import ImageRef
from launchkit.plain_text import shortened
from launchkit_gcp.places import check_project

HOST = r"[a-z0-9-]+-docker\.pkg\.dev"
OLD_HOST = r"(?:(?:us|eu|asia)\.)?gcr\.io"
FORM = "LOCATION-docker.pkg.dev/PROJECT/REPOSITORY/IMAGE"
OLD_FORM = "gcr.io/PROJECT/IMAGE"
OLD_LOCATIONS = {"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}

_NEW = re.compile(r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev")
_REPOSITORY = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class GarImage:
    """An image, without a tag: where its repository is, and its name there."""

    host: str
    location: str
    project: str
    """As its id has it; that of a domain is `example.com:project`."""
    repository: str
    image: str
    """It may have several parts."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a URI, with or without a scheme, apart.

        :raises ValueError: with what is missing.
        """
        host, _, path = text.removeprefix("https://").rstrip("/").partition("/")
        project, rest = _project_of(path)
        if host in OLD_LOCATIONS:
            location, form, parts = OLD_LOCATIONS[host], OLD_FORM, [host, *rest]
        elif new := _NEW.fullmatch(host):
            location, form, parts = new["location"], FORM, rest
        else:
            raise ValueError(f"must be {FORM}, or {OLD_FORM}")
        repository, image = parts[0] if parts else "", "/".join(parts[1:])
        if not (project and repository and image):
            raise ValueError(f"must be {form}")
        return cls.of_parts(location, project, repository, image)

    @classmethod
    def of_parts(cls, location: str, project: str, repository: str, image: str) -> Self:
        """The one that location, project, repository and name make.

        :raises ValueError: if they make none.
        """
        check_project(project)
        old = repository in OLD_LOCATIONS
        if not old and not _REPOSITORY.fullmatch(repository):
            raise ValueError(
                f"{shortened(repr(repository), 80)} cannot be a repository of Artifact Registry"
            )
        location = OLD_LOCATIONS.get(repository, location)
        host = repository if old else f"{location}-docker.pkg.dev"
        if not old and not _NEW.fullmatch(host):
            raise ValueError(
                f"{shortened(repr(location), 60)} is no location, such as us-central1 or europe"
            )
        made = cls(
            host=host, location=location, project=project, repository=repository, image=image
        )
        try:
            ImageRef.parse_repository(made.uri)
        except Rejected as exc:
            raise ValueError(exc.message) from None
        return made

    @property
    def path(self) -> str:
        """Its name without the host."""
        project = self.project.replace(":", "/")
        repository = "" if self.is_old else f"{self.repository}/"
        return f"{project}/{repository}{self.image}"

    @property
    def is_old(self) -> bool:
        """Whether its name is one of Container Registry, which has no repositories."""
        return self.repository in OLD_LOCATIONS

    @property
    def uri(self) -> str:
        """As the names of its versions begin."""
        return f"{self.host}/{self.path}"

    @property
    def resource(self) -> str:
        """Its repository, as the API calls it."""
        return f"projects/{self.project}/locations/{self.location}/repositories/{self.repository}"

    @property
    def place_options(self) -> tuple[str, str]:
        """Where its repository is, as `gcloud` is told."""
        return f"--location={self.location}", f"--project={self.project}"


def _project_of(path: str) -> tuple[str, list[str]]:
    """The project that a path begins with, and the rest; a project's id has no dot but in the
    domain before it.
    """
    first, *rest = path.split("/")
    if "." in first and rest:
        return f"{first}:{rest[0]}", rest[1:]
    return first, rest
