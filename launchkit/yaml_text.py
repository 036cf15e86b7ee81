"""YAML texts, read with the library that knows YAML, which takes a while to load."""

import re
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

from launchkit.codec import MOST_DIGITS, Path, dotted
from launchkit.document import Document
from launchkit.errors import ConfigError
from launchkit.yaml_bounds import SafeLoader, check_bounds

_TEXT = "tag:yaml.org,2002:str"
_INT, _FLOAT = _NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class _Loader(SafeLoader):  # type: ignore[misc] # which one it is depends on PyYAML
    """YAML in which `33:33` is a text: no number to the base of 60, as YAML 1.1 has it."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """The tag of a node that has none."""
        tag: str = super().resolve(kind, value, implicit)
        return _TEXT if tag in _NUMBERS and ":" in value else tag

    def number(self, node: yaml.Node) -> int | float:
        """The number that a node is: to read one takes time with the square of its digits.

        :raises yaml.YAMLError: if it has so many that it is none, whatever says that it is one.
        """
        if (digits := len(self.construct_scalar(node))) > MOST_DIGITS:
            problem = f"a number of {digits} digits; put it into quotes to make it text"
            raise ConstructorError(None, None, problem, node.start_mark)
        read = self.construct_yaml_int if node.tag == _INT else self.construct_yaml_float
        found: int | float = read(node)
        return found


for _tag in _NUMBERS:
    _Loader.add_constructor(_tag, _Loader.number)


def documents(text: str, source: str, warnings: tuple[str, ...]) -> list[Document]:
    """The documents of a text, none of an empty one, each with *warnings*.

    :raises ConfigError: if it is not well-formed, or gives one key twice.
    """
    found: list[Document] = []
    try:
        check_bounds(text, source)
        loader = _Loader(text)
        while (node := loader.get_node() if loader.check_node() else None) is not None:
            lines: dict[Path, int] = {}
            _note_lines(node, (), lines, source)
            found.append(Document(_constructed(loader, node, source), source, lines, warnings))
    except yaml.YAMLError as exc:
        raise ConfigError(_yaml_message(exc, source, text), hint=_yaml_hint(text)) from exc
    except RecursionError as exc:
        raise ConfigError(f"{source}: is nested too deep to be read") from exc
    except UnicodeEncodeError as exc:
        raise ConfigError(_may_not_hold(text, exc.start, source)) from exc
    except ValueError as exc:
        raise ConfigError(f"{source}: not valid YAML: {exc}") from exc
    return found


def _constructed(loader: _Loader, node: yaml.Node, source: str) -> object:
    """What a document says. :raises ConfigError: if a value is none of the tag that it has; PyYAML
    raises for it whatever it stumbles over.
    """
    try:
        return loader.construct_document(node)
    except UnicodeEncodeError:
        raise
    except (LookupError, AttributeError, TypeError, ValueError) as exc:
        line = node.start_mark.line + 1
        raise ConfigError(
            f"{source}:{line}: not valid YAML: a value does not fit its tag, such as !!int"
        ) from exc


def _note_lines(node: yaml.Node, path: Path, lines: dict[Path, int], source: str) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[object] = set()
        for key, value in node.value:
            here = (*path, key.value if isinstance(key, yaml.ScalarNode) else str(key.value))
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise ConfigError(f"{source}:{line}: {dotted(here)}: this key is given twice")
                seen.add(key.value)
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, lines, source)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*path, index), lines, source)


def _yaml_message(exc: yaml.YAMLError, source: str, text: str) -> str:
    if isinstance(exc, yaml.MarkedYAMLError) and exc.problem_mark:
        lines = text.rstrip("\n").split("\n")
        line, column = exc.problem_mark.line, exc.problem_mark.column
        if line >= len(lines):  # what is missed at the end is missed where the text ends
            line, column = len(lines) - 1, len(lines[-1])
        told = re.split(" ['\"]", str(exc.problem))[0]  # in quotes stands what may be a password
        return f"{source}:{line + 1}: not valid YAML: {told} (column {column + 1})"
    if isinstance(exc, ReaderError):
        return _may_not_hold(text, exc.position, source)
    return f"{source}: not valid YAML: {str(exc).splitlines()[0]}"


def _may_not_hold(text: str, at: int, source: str) -> str:
    line = text.count("\n", 0, at) + 1
    return f"{source}:{line}: not valid YAML: it may not hold {text[at : at + 1]!a}"


def _yaml_hint(text: str) -> str | None:
    if "{{" in text:
        return 'a template field must stand in quotes: key: "{{name}}"'
    return None
