"""Jobs: named, versioned, reusable recipes."""

from dataclasses import dataclass

from launchkit.model.spec import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class JobVersion:
    """One version of a job. Version numbers start at 0 and are written v0, v1, …"""

    entity: str
    name: str
    version: int
    recipe: Recipe
    digest: str
    """SHA-256 of the recipe: equal recipes are one version."""
    created_at: float
    author: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """`name:vN`, which never means anything else."""
        return f"{self.name}:v{self.version}"
