"""Settings: launch-config.yaml, environment variables and flags to checked values."""

from launchkit.settings.components import registry_for, runner_settings
from launchkit.settings.load import Loaded, load_settings, missing_components
from launchkit.settings.places import default_backend
from launchkit.settings.schema import AgentSettings, Block, BuilderBlock

__all__ = [
    "AgentSettings",
    "Block",
    "BuilderBlock",
    "Loaded",
    "default_backend",
    "load_settings",
    "missing_components",
    "registry_for",
    "runner_settings",
]
