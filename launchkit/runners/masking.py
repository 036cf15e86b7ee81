"""What may be shown of an environment."""

from launchkit.model import EnvValues, Secret


def masked(env: EnvValues) -> dict[str, str]:
    """The variables with `…` for each secret, for what `Runner.render` gives."""
    return {name: "…" if isinstance(value, Secret) else value for name, value in env.items()}
