"""The chart, what it renders, and how tests find their way in that."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from services import skip_without

FOLDER = Path(__file__).parents[2] / "chart" / "launchkit-agent"
NAME = "demo-launchkit-agent"
NAMESPACE = "ml"
OWN = frozenset({"Secret", "ServiceAccount", "PersistentVolumeClaim"})
"""Kinds of which no run may have those of the chart."""
VALUES: Mapping[str, Any] = {
    "launchConfig": "queues: [train]\n",
    "baseUrl": "https://queue.example.com",
    "agent": {"apiKey": "its-token"},
}
"""The least that makes an agent."""
WITH_SERVER: Mapping[str, Any] = {
    "baseUrl": None,
    "server": {"enabled": True},
    "postgresql": {"enabled": True, "password": "a-password"},
}
"""What installs the queue service, too."""
Object = dict[str, Any]


def need_helm() -> None:
    """Skip a test where Helm's library is not installed."""
    try:
        import helm_python  # noqa: F401
    except ImportError:
        skip_without("Helm, of the package helm-python-sdk")


def merged(*values: Mapping[str, Any]) -> dict[str, Any]:
    """Values laid over each other, as Helm does with several files of values."""
    whole: dict[str, Any] = {}
    for one in values:
        for key, value in deepcopy(dict(one)).items():
            both = isinstance(value, Mapping) and isinstance(whole.get(key), Mapping)
            whole[key] = merged(whole[key], value) if both else value
    return whole


def at_path(path: str, value: object) -> dict[str, Any]:
    """Values of which `a.b` alone is set."""
    first, _, rest = path.partition(".")
    return {first: at_path(rest, value) if rest else value}


class Rendered:
    """The objects of a chart that Helm has rendered."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self.objects = [*_objects(texts)]

    def one(self, kind: str, name: str = NAME, namespace: str | None = None) -> Object:
        """The only object of that kind and name; one that no run may have begins so."""
        name = f"launchkit-{name}" if kind in OWN else name
        (found,) = [
            one
            for one in self.all(kind)
            if one["metadata"]["name"] == name
            and namespace in {None, one["metadata"].get("namespace")}
        ]
        return found

    def all(self, kind: str) -> Sequence[Object]:
        """All objects of a kind."""
        return [one for one in self.objects if one["kind"] == kind]


def _objects(texts: Mapping[str, str]) -> Iterator[Object]:
    for place, text in sorted(texts.items()):
        if place.endswith(".yaml"):
            yield from filter(None, yaml.safe_load_all(text))


def render(
    *values: Mapping[str, Any], namespace: str = NAMESPACE, folder: Path = FOLDER
) -> Rendered:
    """What Helm makes of the chart with the least values and these over them.

    :raises helm_python.HelmError: if it refuses them.
    """
    values = merged(VALUES, *values)
    return Rendered(_chart(folder).render(values, name="demo", namespace=namespace))


@cache
def _chart(folder: Path) -> Any:
    import helm_python

    helm_python.disable_logging()
    return helm_python.Chart.load(folder)


def pod(rendered: Rendered, kind: str = "Deployment", name: str = NAME) -> Object:
    """The spec of the pods of a component."""
    spec: Object = rendered.one(kind, name)["spec"]["template"]["spec"]
    return spec


def named(items: Sequence[Object], name: str) -> Object:
    """The one of that name."""
    (found,) = [one for one in items if one["name"] == name]
    return found


def at(found: Any, place: str) -> Any:
    """What stands at a place, as in `spec containers 0 env NAME value`: an item by its number or
    by its name.
    """
    for word in place.split():
        if isinstance(found, list):
            found = found[int(word)] if word.isdigit() else named(found, word)
        else:
            found = found[word]
    return found
