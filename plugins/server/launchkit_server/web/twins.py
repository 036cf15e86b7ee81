"""The commands that do what a page does, with all that the page knows."""

from launchkit.codec import plain
from launchkit.model import QueueSpec, Scalar, Variable
from launchkit.plain_text import visible
from launchkit.shell_words import shell_join
from launchkit_server.web.filters import as_yaml
from launchkit_server.web.queue_forms import Reading, editable


def launching(spec: QueueSpec) -> str:
    """What launches into a queue, as those see it who are not its operators: with a value for each
    field that must have one.
    """
    words = ["launchkit", "launch", "-q", spec.name, "--uri", "."]
    for name, variable in spec.variables.items():
        if variable.default is None:
            words.append(f"--set-var={name}={_example(variable)}")
    return shell_join(words)


def creating(reading: Reading) -> str:
    """What makes the queue that was drafted: one line where no config is to be written, else with
    the whole of it as a file; that of a draft with faults is named and not written.
    """
    draft = reading.draft
    if draft.config.strip() and reading.spec is not None:
        wanted = {
            "name": draft.name or "NAME",
            "resource": draft.resource,
            **editable(reading.spec),
        }
        said = {
            key: value for key, value in plain(wanted).items() if value not in (None, {}, False)
        }
        return f"launchkit apply -f - <<'END'\n{_seen_yaml([said])}END"
    name = draft.name.lstrip("-") or "NAME"
    words = ["launchkit", "queue", "create", name, f"--resource={draft.resource}"]
    words += ["--prioritization"] if draft.prioritization else []
    words += [f"--max-concurrent={draft.limit}"] if draft.limit else []
    words += ["--config", "config.yaml"] if draft.config.strip() else []
    words += ["--template-variables", "variables.yaml"] if draft.tiles else []
    return shell_join(words)


def changing(name: str) -> str:
    """What opens a queue in an editor."""
    return shell_join(["launchkit", "queue", "edit", name])


def _seen_yaml(value: list[dict[str, object]]) -> str:
    """YAML in which nothing is that would not be seen as itself, and no line without an indent that
    a name or a config could have made.
    """
    written = as_yaml(value)
    return written if visible(written) == written else as_yaml(value, ascii_alone=True)


def _example(variable: Variable) -> Scalar:
    if variable.enum:
        return variable.enum[0]
    bounds = [one for one in (variable.minimum, variable.maximum) if one is not None]
    if bounds:
        return bounds[0]
    return "VALUE" if variable.type == "string" else 1
