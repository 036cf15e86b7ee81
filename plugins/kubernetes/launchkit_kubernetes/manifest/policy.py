"""What an agent's owner may decide about Kubernetes under `policy`, and what that forbids."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from launchkit.errors import ConfigError
from launchkit.model import Json
from launchkit.plain_text import shortened
from launchkit.runners.fitting import is_open
from launchkit.written import unescaped
from launchkit_kubernetes.manifest.annotations import (
    IN_ONE_KEY,
    annotation_objections,
    annotation_problem,
    are_annotations,
)
from launchkit_kubernetes.manifest.closed_kinds import (
    CLOSED_KIND,
    is_allowed,
    is_closed,
    is_closed_object,
)
from launchkit_kubernetes.manifest.closed_words import (
    CLAIM,
    IF_ANYTHING,
    IF_VOLUMES,
    NODE_SERVICES,
    REFUSED,
    WRITTEN,
    flat,
    flat_words,
)
from launchkit_kubernetes.manifest.copying import KEY, MAX_DEPTH, MAX_VALUES, below, values_in
from launchkit_kubernetes.manifest.data_texts import DataTexts
from launchkit_kubernetes.manifest.object_kind import JOB, object_kind, unwrapped
from launchkit_kubernetes.manifest.patches import ANY, patched, patched_keys
from launchkit_kubernetes.manifest.pods import have_image

FREE_TEXT = frozenset({"args", "command", "entrypoint", "source", "script"})
"""Keys of texts that programs in a pod read, and no operator."""
NAMING = frozenset({"labels", "annotations", "nodeSelector", "matchLabels"})
"""Whose keys are names of their owner's."""
UNCONFINED = ("apparmor", "seccomp")
PROFILES = ("unconfined", "localhost/")
"""Those that do not confine, and those of a node, which may be any."""
RUNTIMES = re.compile(
    r"\b(?:io\.kubernetes\.cri-o|cri-?o\.io|cdi\.k8s\.io|io\.katacontainers|dev\.gvisor|nri\.io"
    r"|run\.oci|io\.containers|io\.kubernetes\.cri|resources\.beta\.kubernetes\.io)\b"
)
"""What a node's container runtime heeds in annotations, such as devices of the node: where they
stand unseen, as in a text."""
ASKED_BY_NODES = frozenset({"httpget", "tcpsocket"})
"""Probes and hooks that a node itself makes, to whatever `host` they have."""
PROPAGATION = ("None", "HostToContainer")


@dataclass(frozen=True, kw_only=True)
class KubernetesPolicy:
    """The keys of this plugin under `policy`."""

    kubernetes: Literal["open", "strict"] = "open"
    """strict: pods get launchkit's security context, may reach nothing of their node, and name no
    service account."""
    kubernetes_annotations: tuple[str, ...] = ()
    """Annotations that a strict policy allows beside those that are known to be harmless."""
    kubernetes_kinds: tuple[str, ...] = ()
    """Kinds of operators that a strict policy allows beside Kubernetes' own workloads."""


def strict_objections(args: Json, policy: KubernetesPolicy) -> Iterator[str]:
    """What `policy.kubernetes: strict` does not allow in the config of a queue, wherever it stands
    and however an operator may have it spelt (reference of W&B's hardened runner, section 2.3).
    """
    found, (where, inner) = object_kind(args), unwrapped(args)
    kind = found.kind or JOB
    if is_closed(found.group, kind):
        yield f"{where}.kind: {shortened(kind, 100)} is not allowed: {CLOSED_KIND}"
    elif not is_allowed(found.group, kind, policy.kubernetes_kinds):
        name = shortened(f"{kind}.{found.group}", 200)
        yield f"{where}.kind: an operator makes pods of it: policy.kubernetes_kinds lacks {name}"
    if values_in(args, MAX_VALUES) > MAX_VALUES:
        yield f"resource_args: more than {MAX_VALUES} values cannot be looked through"
    else:
        yield from _Looking(policy.kubernetes_annotations, DataTexts()).objections(
            inner, where, (), 0
        )


@dataclass(frozen=True)
class _Looking:
    """Through all that a config holds."""

    annotations: Collection[str]
    texts: DataTexts
    level: int = 0
    """The number of texts around."""

    def objections(
        self, value: Any, where: str, around: tuple[str, ...], depth: int
    ) -> Iterator[str]:
        """*around* are the keys that lead to the mapping, list or text."""
        if depth > MAX_DEPTH:
            yield f"{where}: it is nested too deep to be looked at"
        elif around and are_annotations(around[-1], value) and not isinstance(value, Mapping):
            yield from annotation_objections(value, where, self.annotations)
        elif isinstance(value, Mapping):
            yield from self._of_mapping(value, where, around, depth)
        elif isinstance(value, list | tuple):
            for index, inner in enumerate(value):
                yield from self.objections(inner, f"{where}[{index}]", around, depth + 1)
        elif isinstance(value, str) and not is_free(around):
            yield from self._of_text(value, where, around, depth)

    def _of_mapping(
        self, value: Mapping[str, Any], where: str, around: tuple[str, ...], depth: int
    ) -> Iterator[str]:
        if around and is_closed_object(value):
            yield f"{where}: {shortened(str(value['kind']), 100)} is not allowed: {CLOSED_KIND}"
        keys = patched_keys(value)
        yield from self._of_patch(value, where, around, keys)
        for name, inner in value.items():
            path = below(where, str(name))
            lead = (*around, str(name))
            if name == "value" and keys and not is_free((*around, *keys)):
                lead = (*around, *keys)
            if reason := self._reason(str(name), inner, around):
                yield f"{path}: {reason}"
            else:
                yield from self.objections(inner, path, lead, depth + 1)

    def _of_patch(
        self, step: Mapping[str, Any], where: str, around: tuple[str, ...], keys: list[str]
    ) -> Iterator[str]:
        """What is not allowed of where a step of a patch leads, and of the containers it puts."""
        for index, key in enumerate(keys, start=1):
            held = step.get("value", ANY) if index == len(keys) else ANY
            if reason := self._reason(key, held, around):
                yield f"{where}.path: {shortened(key, KEY)}: {reason}"
            around = (key,)
        if keys and have_image(patched(step, keys)):
            yield f"{where}: a container in a patch is not allowed"

    def _of_text(self, text: str, where: str, around: tuple[str, ...], depth: int) -> Iterator[str]:
        try:
            written = self._is_written(text, where, around, depth)
        except ConfigError as exc:
            if self.level:
                raise
            yield f"{where}: the text cannot be looked through: {exc}"
            return
        if written:
            yield f"{where}: a piece of a pod in a text is not allowed"

    def _is_written(self, text: str, where: str, around: tuple[str, ...], depth: int) -> bool:
        """Whether a piece of a pod is. :raises ConfigError: if it cannot be looked through."""
        plain = unescaped(text)
        if WRITTEN.search(plain) or RUNTIMES.search(plain) or _unconfined("", plain):
            return True
        inside = replace(self, level=self.level + 1)
        return any(
            any(inside.objections(data, where, around, depth + 1)) or have_image(data)
            for data in self.texts.structures(text, self.level)
        )

    def _reason(self, key: str, value: Any, around: tuple[str, ...]) -> str | None:
        if around and are_annotations(around[-1], {}):
            return annotation_problem(key, value, self.annotations)
        if found := IN_ONE_KEY.search(key):
            return annotation_problem(found[1], value, self.annotations)
        if are_annotations(key, value):
            return None  # which are looked at one by one
        return _reason(key, value, around[-1] if around else "")


def is_free(around: tuple[str, ...]) -> bool:
    """Whether a text is read by programs in a pod alone: a `value` is, of a variable."""
    return bool(around) and (around[-1] in FREE_TEXT or around[-2:] == ("env", "value"))


def _reason(key: str, value: Any, around: str) -> str | None:
    words = flat_words(key)
    if RUNTIMES.search(key) or CLAIM in words:
        return "is not allowed"
    if isinstance(value, str) and _unconfined(key, value):
        return "only the profile of the runtime is allowed"
    if around in NAMING and isinstance(value, str):
        return None
    if (
        words & REFUSED
        or (words & IF_ANYTHING and value)
        or (words & IF_VOLUMES and isinstance(value, Mapping | list))
        or ("host" in words and {*words, flat(around)} & ASKED_BY_NODES and value)
        or (isinstance(value, str) and value.casefold() in NODE_SERVICES and _names_type(words))
    ):
        return "is not allowed"
    if "mountpropagation" in words and value and value not in PROPAGATION:
        return f"only {' and '.join(PROPAGATION)} are allowed"
    return None


def _names_type(words: Collection[str]) -> bool:
    return any(word.endswith("type") for word in words)


def _unconfined(name: str, text: str) -> bool:
    named = any(word in name for word in UNCONFINED)
    if any(word in text.lower() for word in PROFILES):
        return named or any(word in text for word in UNCONFINED)
    return named and is_open(text)
