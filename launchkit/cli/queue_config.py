"""A queue's config and its template variables, read from what the user names."""

from collections.abc import Mapping

from launchkit.abc import Runner
from launchkit.catalogue import ALIASES, PACKAGES, package_of
from launchkit.cli.options import say
from launchkit.cli.output import as_yaml
from launchkit.cli.present import variable_data
from launchkit.cli.sources import mapping_from
from launchkit.codec import Locate, suggest
from launchkit.document import Document, require_mapping
from launchkit.errors import ConfigError
from launchkit.model import Json, Variable
from launchkit.plugins import Plugins
from launchkit.resolving.config_places import ConfigPlaces
from launchkit.resolving.templates import check_template, find_variables
from launchkit.resolving.variables import parse_variables

Variables = Mapping[str, Variable]


def checked_config(config: str | None, variables: str | None) -> tuple[Document, Variables]:
    """The config, a mapping, and the variables, which fit each other.

    :raises ConfigError: with file and line of what is wrong.
    """
    if config == "-" and variables == "-":
        raise ConfigError("--config and --template-variables cannot both be read from stdin")
    document = mapping_from(config, "--config") if config else Document({}, "--config", {})
    data = require_mapping(document)
    if variables is None:
        found = find_variables(data)
        if found:
            raise undefined(found, document.source)
    defined = read_variables(variables) if variables else {}
    check_template(data, defined, document.locate)
    return document, defined


def places_in(
    config: Json, locate: Locate, resource: str, runner: type[Runner] | None
) -> ConfigPlaces:
    """Where the keys of a queue's config stand."""
    return ConfigPlaces(config, locate, (resource, *(runner.names() if runner else ())))


def read_variables(source: str) -> Variables:
    """Definitions of template variables. :raises ConfigError: with file and line."""
    document = mapping_from(source, "--template-variables")
    return parse_variables(require_mapping(document), document.locate)


def undefined(found: Variables, source: str) -> ConfigError:
    """The error for fields that nobody defines, with a file of definitions to begin with."""
    guess = as_yaml({name: variable_data(variable) for name, variable in found.items()})
    return ConfigError(
        f"{source}: has template fields that nobody defines: {', '.join(found)}",
        hint=f"put this into a file, correct it, and give it as --template-variables:\n{guess}",
    )


def runner_class(resource: str, *, allow_unknown: bool) -> type[Runner] | None:
    """The class of a queue's kind, if it is installed here. A kind that nothing here knows is
    warned of with *allow_unknown*: its runner may be installed where the agent is.

    :raises ConfigError: for such a kind otherwise.
    """
    plugins = Plugins()
    cls = plugins.find(Runner, resource)
    if cls is None and not package_of(Runner.seam, resource):
        known = sorted({*plugins.classes(Runner), *PACKAGES[Runner.seam]})
        near = suggest(resource, known)
        message = f"no plugin that is installed here runs {resource!r}"
        if not allow_unknown:
            ending = f"did you mean {near!r}?" if near else f"kinds are: {', '.join(known)}"
            raise ConfigError(
                f"resource: {message}; {ending}",
                hint="if its runner is installed where the agent is: --allow-unknown",
            )
        say(f"warning: {message}")
    return cls


def kinds() -> str:
    """The kinds of queues that can be made here, for people."""
    return ", ".join(sorted(Plugins().classes(Runner)))


def same_kind(one: str, other: str) -> bool:
    """Whether two words stand for one kind of resource, as far as can be told here."""
    if ALIASES.get(one, one) == ALIASES.get(other, other):
        return True
    cls = Plugins().find(Runner, one)
    return cls is not None and other in cls.names()
