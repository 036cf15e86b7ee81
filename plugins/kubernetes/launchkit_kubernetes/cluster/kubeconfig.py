"""What a kubeconfig says of a server and a login, as the client's library reads it."""

import json
import os
import re
import shlex
from base64 import b64encode
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import yaml
from kubernetes_asyncio.client import Configuration
from kubernetes_asyncio.config import ConfigException
from kubernetes_asyncio.config.exec_provider import ExecProvider
from kubernetes_asyncio.config.kube_config import ConfigNode, KubeConfigLoader, KubeConfigMerger

from launchkit_kubernetes.cluster.access import Access
from launchkit_kubernetes.cluster.login_program import output_of
from launchkit_kubernetes.status.shape import mapping, text, words

LISTS = ("clusters", "contexts", "users")
CERTIFICATES = {
    "clientCertificateData": "client-certificate-data",
    "clientKeyData": "client-key-data",
}
"""Where a user has what a program gives."""


async def log_in(access: Access, config: Configuration) -> None:
    """Have *config* be what the files say. Raises what `session.UNUSABLE` names, without a value of
    theirs.
    """
    loader = _Loader(_merged(access.path), access.context)
    await loader.load_and_set(config)


class _Loader(KubeConfigLoader):
    """The library's, but for its programs, which may hang and are never ended."""

    def __init__(self, merged: ConfigNode, context: str | None) -> None:
        super().__init__(
            merged,
            active_context=context,
            config_base_path=None,
            get_google_credentials=self._google_credentials,
        )

    async def load_from_exec_plugin(self) -> bool:
        """Have the token that the program gives, or its certificate as that of the user."""
        user: Any = self._user
        status = mapping(await _Program(user["exec"]).run())
        if token := status.get("token"):
            self.token = f"Bearer {token}"
            return True
        if not all(isinstance(status.get(key), str) for key in CERTIFICATES):
            raise ConfigException("exec: the program gives neither a token nor a certificate")
        for key, name in CERTIFICATES.items():
            user.value[name] = b64encode(status[key].encode()).decode()
        return True

    async def _google_credentials(self) -> SimpleNamespace:
        user: Any = self._user
        named = user["auth-provider"]["config"]
        command = [str(named["cmd-path"]), *shlex.split(str(named["cmd-args"]))]
        told = mapping(_json(await output_of(command, os.environ)).get("credential"))
        token, expiry = told.get("access_token"), told.get("token_expiry")
        return SimpleNamespace(token=token, expiry=expiry)


class _Program(ExecProvider):
    """What the library reads of it, run in our way."""

    async def run(self, previous_response: str | None = None) -> Any:
        """The login that it gives."""
        asked = {"apiVersion": self.api_version, "kind": "ExecCredential"}
        info = json.dumps({**asked, "spec": {"interactive": False}})
        told = _json(await output_of(self.args, {**self.env, "KUBERNETES_EXEC_INFO": info}))
        if told.get("apiVersion") != self.api_version:
            raise ConfigException(
                f"exec: the program speaks {words(told.get('apiVersion'))}, and not"
                f" {words(self.api_version)}"
            )
        return told.get("status")


def _json(said: bytes) -> Mapping[str, Any]:
    try:
        return mapping(json.loads(said))
    except ValueError as exc:
        raise ConfigException("exec: what the program says is no JSON") from exc


def _merged(paths: str) -> ConfigNode:
    """All files together."""
    try:
        merged = KubeConfigMerger(paths).config
    except yaml.YAMLError as exc:
        raise ConfigException(_fault_of(exc)) from exc
    except (ValueError, LookupError, TypeError, AttributeError) as exc:
        raise ConfigException(f"it makes no sense ({type(exc).__name__})") from exc
    if merged is None:
        raise ConfigException("it is empty")
    for one in (one for kind in LISTS for one in merged.value[kind]):
        one.name = text(one.safe_get("name"))  # the library's has all that stands in it
    return merged


def _fault_of(exc: yaml.YAMLError) -> str:
    """Where it is no YAML, and in what way: in quotes stands what may be a password."""
    mark = getattr(exc, "problem_mark", None)
    where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = getattr(exc, "problem", None) or getattr(exc, "reason", None)
    told = re.split(r" ?[\"']", str(problem or ""), maxsplit=1)[0]
    return f"not valid YAML{where}: {told or type(exc).__name__}"
