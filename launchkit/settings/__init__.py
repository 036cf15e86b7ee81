"""Settings: launch-config.yaml, environment variables and flags to checked values."""

from launchkit.settings.components import configured_runner, hub_of
from launchkit.settings.destinations import registry_for
from launchkit.settings.load import Loaded, load_settings, missing_components
from launchkit.settings.places import default_backend
from launchkit.settings.schema import AgentSettings, BackendBlock, Block, BuilderBlock
from launchkit.settings.sources import unread_choices

__all__ = [
    "AgentSettings",
    "BackendBlock",
    "Block",
    "BuilderBlock",
    "Loaded",
    "configured_runner",
    "default_backend",
    "hub_of",
    "load_settings",
    "missing_components",
    "registry_for",
    "unread_choices",
]
