"""Settings: launch-config.yaml, environment variables and flags to checked values."""

from launchkit.settings.images import registry_kind
from launchkit.settings.json_schema import settings_schema
from launchkit.settings.load import Loaded, load_settings, missing_components
from launchkit.settings.places import default_backend
from launchkit.settings.schema import (
    AgentSettings,
    BuilderBlock,
    EnvironmentBlock,
    RegistryBlock,
)

__all__ = [
    "AgentSettings",
    "BuilderBlock",
    "EnvironmentBlock",
    "Loaded",
    "RegistryBlock",
    "default_backend",
    "load_settings",
    "missing_components",
    "registry_kind",
    "settings_schema",
]
