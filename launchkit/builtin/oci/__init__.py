"""The registry `oci`: any registry that speaks the API of the OCI distribution specification."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from launchkit.hookspecs import hookimpl

if TYPE_CHECKING:
    from launchkit.abc import Registry


@hookimpl
def launchkit_registries() -> "Sequence[type[Registry]]":
    """The registry of this plugin."""
    from launchkit.builtin.oci.registry import OciRegistry

    return [OciRegistry]
