"""The names of repositories in Azure Container Registry. Pure."""

import re
from dataclasses import dataclass
from typing import Self

from launchkit.plain_text import shortened
from launchkit.shell_words import shell_word
from launchkit_azure.clouds import CLOUDS

_SUFFIX = "|".join(re.escape(cloud.registry_suffix) for cloud in CLOUDS.values())
HOST = rf"[a-zA-Z0-9-]{{1,63}}\.(?:{_SUFFIX})"
"""The hosts of all registries; one whose name is no one else's has a dash in it."""
FORM = "REGISTRY.azurecr.io/REPOSITORY"
LONGEST_NAME = 256
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")


@dataclass(frozen=True)
class AcrRepository:
    """A repository in a registry."""

    host: str
    """In small letters, or a stand-in's, with its port."""
    name: str
    """May have several parts: team/launch."""

    @classmethod
    def parse(cls, text: str, host: str | None = None) -> Self:
        """Take a URI, with or without a scheme, apart; *host* is that of a stand-in.

        :raises ValueError: with what is missing.
        """
        named, _, name = text.removeprefix("https://").rstrip("/").partition("/")
        if not re.fullmatch(HOST, named):
            raise ValueError(f"must be {FORM}")
        if not name:
            raise ValueError(f"names no repository: must be {FORM}")
        if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
            raise ValueError(
                f"{shortened(repr(name), 80)} cannot be a repository: small letters, digits and"
                " . _ - / between them; no tag"
            )
        return cls(host or named.lower(), name)

    @property
    def uri(self) -> str:
        """As the names of its images begin."""
        return f"{self.host}/{self.name}"

    @property
    def scope(self) -> str:
        """What a role for the registry is given for, in the words of a shell."""
        registry = shell_word(self.host.partition(".")[0])
        return f'"$(az acr show --name {registry} --query id --output tsv)"'
