"""A cluster as its users see it, from any process."""

import json
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import yaml
from docker_engine import Engine
from waiting import PATIENCE

from .keys import ADMIN

ACCOUNTS = "default"
"""The namespace of the users that tests add."""
RBAC = "/apis/rbac.authorization.k8s.io/v1"
Rule = dict[str, Sequence[str]]


@dataclass
class Access:
    """What is needed to use a cluster: it can be written down, and read by another process."""

    server: str = ""
    authority: str = ""
    """The certificates of its authority, as text."""
    tokens: dict[str, str] = field(default_factory=dict)
    """By user: `admin` may do everything, `agent` and `nobody` nothing unless RBAC lets them."""
    socket: str = ""
    """Where its node's Docker Engine listens; empty without a node."""

    def kubeconfig(
        self, user: str = ADMIN, *, server: str | None = None, namespace: str = "default"
    ) -> str:
        """The text of a file that lets *user* in, to another address if there is one."""
        address = server or self.server
        place: dict[str, object] = {"server": address}
        if address.startswith("https:"):
            place["certificate-authority-data"] = _base64(self.authority)
        context = {"cluster": "cluster", "user": user, "namespace": namespace}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": place}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "context", "context": context}],
            "current-context": "context",
        }
        return yaml.safe_dump(content)

    def write_kubeconfig(self, path: Path, user: str = ADMIN, **more: Any) -> Path:
        """Write it to a file that only its owner reads; gives *path*."""
        path.touch(mode=0o600)
        path.write_text(self.kubeconfig(user, **more))
        return path

    def admin(self) -> httpx.AsyncClient:
        """A client of the API for who may do everything."""
        return self.client(ADMIN)

    def client(self, user: str) -> httpx.AsyncClient:
        """A client of the API for that user."""
        return httpx.AsyncClient(**self._http(user))

    def tls(self) -> ssl.SSLContext:
        """How its API server is spoken to."""
        return ssl.create_default_context(cadata=self.authority)

    def _http(self, user: str) -> dict[str, Any]:
        return {
            "base_url": self.server,
            "verify": self.tls(),
            "headers": {"Authorization": f"Bearer {self.tokens[user]}"},
            "timeout": PATIENCE,
            "trust_env": False,
        }

    def answers(self) -> bool:
        """Whether its API server says that it is ready."""
        try:
            with httpx.Client(**self._http(ADMIN) | {"timeout": 2}) as http:
                return http.get("/readyz").is_success
        except httpx.TransportError:
            return False

    async def ready(self) -> None:
        """Wait until its API server says that it is ready, while other tasks go on.

        :raises TimeoutError: if it does not.
        """
        with anyio.fail_after(PATIENCE):
            async with self.admin() as http:
                while True:
                    with suppress(httpx.TransportError):
                        if (await http.get("/readyz", timeout=2)).is_success:
                            return
                    await anyio.sleep(0.05)

    def request(self, method: str, path: str, content: object = None) -> dict[str, Any]:
        """One request of the administrator, at once; a patch is a merge patch.

        :raises httpx.HTTPStatusError: if it is refused.
        """
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        with httpx.Client(**self._http(ADMIN)) as http:
            headers = {"Content-Type": kind}
            answer = http.request(method, path, json=content, headers=headers)
        if not answer.is_success:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        found: dict[str, Any] = answer.json()
        return found

    def status_for(self, user: str, path: str) -> int:
        """With which status a user's question is answered, at once."""
        with httpx.Client(**self._http(user)) as http:
            return http.get(path).status_code

    def patch(self, path: str, content: object) -> dict[str, Any]:
        """A merge patch of the administrator, at once."""
        headers = {"Content-Type": "application/merge-patch+json"}
        with httpx.Client(**self._http(ADMIN)) as http:
            body = json.dumps(content)
            answer = http.patch(path, content=body, headers=headers).raise_for_status()
            found: dict[str, Any] = answer.json()
            return found

    def make_namespace(self) -> str:
        """Make a namespace in which pods can be made; gives its name."""
        name = f"test-{uuid4().hex[:10]}"
        self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self.wait_for(lambda: self._has_account(name))
        return name

    def _has_account(self, namespace: str) -> bool:
        accounts = self.request("GET", f"/api/v1/namespaces/{namespace}/serviceaccounts")
        return any(account.get("secrets") for account in accounts["items"])

    def remove_namespace(self, name: str) -> None:
        """Have a namespace removed with all that is in it, without waiting for it."""
        soon = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 1}
        with httpx.Client(**self._http(ADMIN)) as http:
            for path, options in (("", None), ("/pods", soon)):  # no pod is made in between
                answer = http.request("DELETE", f"/api/v1/namespaces/{name}{path}", json=options)
                assert answer.is_success or answer.status_code in {404, 409}, answer.text

    def allow(self, user: str, *rules: Rule, namespace: str | None = None) -> None:
        """Give a user rights by RBAC: in one namespace, or everywhere."""
        name = f"test-{uuid4().hex[:10]}"
        kind, path = ("Role", f"/namespaces/{namespace}") if namespace else ("ClusterRole", "")
        role = {"metadata": {"name": name}, "rules": rules}
        self.request("POST", f"{RBAC}{path}/{kind.lower()}s", role)
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": _known_as(user)}
            ],
        }
        self.request("POST", f"{RBAC}{path}/{kind.lower()}bindings", binding)
        self.wait_for(lambda: self._may(user, rules[0], namespace))

    def _may(self, user: str, rule: Rule, namespace: str | None) -> bool:
        """Whether the API server has heard of a right."""
        attributes = {
            "verb": rule["verbs"][0],
            "group": rule["apiGroups"][0],
            "resource": rule["resources"][0].partition("/")[0],
            "subresource": rule["resources"][0].partition("/")[2],
            "namespace": namespace,
        }
        spec = {"user": _known_as(user), "resourceAttributes": attributes}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(self.request("POST", path, {"spec": spec})["status"]["allowed"])

    def add_user(self) -> str:
        """Add a user without rights, of whom nobody else knows; gives the name."""
        name = f"user-{uuid4().hex[:10]}"
        path = f"/api/v1/namespaces/{ACCOUNTS}/serviceaccounts"
        self.request("POST", path, {"metadata": {"name": name}})
        answer = self.request("POST", f"{path}/{name}/token", {"spec": {}})
        self.tokens[name] = answer["status"]["token"]
        return name

    def remove_user(self, user: str) -> None:
        """Remove one that was added: in at most 10 seconds its token is refused with 401."""
        self.request("DELETE", f"/api/v1/namespaces/{ACCOUNTS}/serviceaccounts/{user}")

    def engine(self) -> Engine:
        """The Docker Engine of its node: `with cluster.engine() as engine: engine.load(...)`."""
        engine = Engine()
        engine.socket = Path(self.socket)
        return engine

    def copy_image(self, source: Engine, name: str) -> None:
        """Give the node an image that another Engine has."""
        with self.engine() as own, source.http.stream("GET", f"/images/{name}/get") as image:
            image.raise_for_status()
            answer = own.http.post("/images/load", content=image.iter_bytes())
        assert "error" not in answer.raise_for_status().text, answer.text

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait, without a task of anybody else going on. :raises TimeoutError: if it is in vain."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("what the cluster should do did not happen")
            time.sleep(0.05)


def _known_as(user: str) -> str:
    """The name of a user in RBAC."""
    added = user.startswith("user-")
    return f"system:serviceaccount:{ACCOUNTS}:{user}" if added else user


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()
