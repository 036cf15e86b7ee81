"""Each route and each token: who may do what, and what others are told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from launchkit_server.access import Needs
from launchkit_server.api import health, people
from launchkit_server.app import ENTITY, OF_AN_ENTITY, make_app

from launchkit.codec import plain
from launchkit.model import Secret
from launchkit.model.people import Permission
from launchkit.testing import make_spec
from launchkit.wire.protocol import API

from .conftest import nowhere
from .roles import bearer

OPEN = {"/livez", "/readyz"}
MAY: Mapping[str, set[Permission]] = {
    "viewer": {Permission.ENTER, Permission.READ},
    "submitter": {Permission.ENTER, Permission.READ, Permission.SUBMIT},
    "operator": {Permission.ENTER, Permission.READ, Permission.SUBMIT, Permission.OPERATE},
    "admin": {*Permission} - {Permission.RUN},
    "root": {*Permission} - {Permission.RUN},
    "agent": {Permission.AGENT},
    "run": {Permission.RUN},
}
VALUES = {"entity": "test", "digest": "0" * 64}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    permission: Permission | None

    def url(self, **values: str) -> str:
        return self.path.format_map({**dict.fromkeys(names(self.path), "x"), **VALUES, **values})


def names(path: str) -> list[str]:
    return [part.partition("}")[0].partition(":")[0] for part in path.split("{")[1:]]


def all_routes() -> Iterator[Route]:
    for prefix, nouns in (("", [health]), (API, [people]), (ENTITY, OF_AN_ENTITY)):
        for route in (route for noun in nouns for route in noun.router.routes):
            assert isinstance(route, APIRoute)
            calls = [one.call for one in route.dependant.dependencies]
            needs = [call.permission for call in calls if isinstance(call, Needs)]
            assert len(needs) <= 1, route.path
            for method in route.methods:
                yield Route(method, prefix + route.path, needs[0] if needs else None)


ROUTES = [*all_routes()]


def asked(client: httpx.Client, route: Route, token: str | None, **values: str) -> httpx.Response:
    headers = bearer(token) if token else {}
    request = client.build_request(route.method, route.url(**values), headers=headers, json={})
    answer = client.send(request, stream=True)
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        answer.close()  # it would go on
    else:
        answer.read()
    return answer


def test_each_route_but_those_of_health_declares_its_permission() -> None:
    app = make_app(nowhere())
    assert {route.path for route in ROUTES} == {*app.openapi()["paths"]}
    assert {route.path for route in ROUTES if route.permission is None} == OPEN


@pytest.mark.parametrize("token", [None, "lk_uwrong", "expired", "revoked"])
def test_a_token_that_proves_nothing_opens_nothing(
    client: httpx.Client, tokens: Mapping[str, Secret], token: str | None
) -> None:
    for route in ROUTES:
        if route.permission is not None:
            answer = asked(client, route, tokens.get(token or "", token))
            assert answer.status_code == 401, route
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["code"] == "unauthenticated"


@pytest.mark.parametrize("who", MAY)
def test_a_role_opens_what_it_may_and_nothing_else(
    client: httpx.Client, tokens: Mapping[str, Secret], who: str
) -> None:
    for route in ROUTES:
        if route.permission is not None:
            own = str.__str__(tokens["item"])
            status = asked(client, route, tokens[who], item_id=own).status_code
            anywhere = who == "root" or route.permission is Permission.ENTER
            may = route.permission in MAY[who] and (anywhere or ENTITY in route.path)
            assert (status == 403) == (not may), (route, status)
            assert status != 401
            assert status < 500, route


def test_the_token_of_a_run_opens_its_own_run_alone_until_it_ends(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    own = f"/api/v1/entities/test/runs/{str.__str__(tokens['item'])}"
    auth = bearer(tokens["run"])
    assert client.get(own, headers=auth).json()["state"] == "claimed"
    assert client.get(f"{own}/log", headers=auth).status_code == 200
    for path in (f"{own}x", own.replace("/test/", "/other/")):
        assert client.get(path, headers=auth).status_code == 403
    admin = bearer(tokens["admin"])
    agent = own.replace("/runs/", "/agent/items/")
    report = {"token": 1, "report": {"state": "finished"}}
    assert client.post(f"{agent}/reports", headers=admin, json=report).status_code == 204
    answer = client.get(own, headers=auth)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert "run that has ended" in answer.json()["detail"]


def test_a_role_in_one_entity_opens_no_other(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    for route in ROUTES:
        if route.permission not in {None, Permission.ENTER}:
            assert asked(client, route, tokens["elsewhere"]).status_code == 403, route


def test_everybody_is_told_of_the_entities_where_they_have_a_role(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    found = {who: entities_of(client, tokens[who]) for who in ("viewer", "elsewhere", "root")}
    assert found == {
        "viewer": {"test": "viewer"},
        "elsewhere": {"elsewhere": "admin"},
        "root": {"elsewhere": "admin", "test": "admin"},
    }


def entities_of(client: httpx.Client, token: Secret) -> dict[str, str]:
    auth = bearer(token)
    answer = client.get(f"{API}/entities", headers=auth).json()
    return {entity["name"]: entity["role"] for entity in answer}


@pytest.mark.parametrize(
    ("who", "author", "status"),
    [
        ("submitter", None, 201),
        ("submitter", "submitter-test", 201),
        ("submitter", "ann", 403),
        ("operator", "ann", 201),
    ],
)
def test_operators_alone_launch_for_others(
    client: httpx.Client, tokens: Mapping[str, Secret], who: str, author: str | None, status: int
) -> None:
    answer = client.post(
        "/api/v1/entities/test/queues/q/launches",
        headers=bearer(tokens[who]),
        json={"spec": plain(make_spec(author=author))},
    )
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.json()["author"] == (author or f"{who}-test")


@pytest.mark.parametrize("name", ["token", "access_token", "ref"])
def test_a_token_in_the_url_is_refused(
    client: httpx.Client, tokens: Mapping[str, Secret], name: str
) -> None:
    shown = str.__str__(tokens["admin"])
    headers = {"Authorization": f"Bearer {shown}"}
    answer = client.get("/api/v1/entities/test/queues", params={name: shown}, headers=headers)
    assert answer.status_code == 400
    assert "logged" in answer.json()["detail"]
    assert shown not in answer.text


def test_a_token_in_the_path_of_the_url_is_refused_and_not_logged(
    client: httpx.Client, tokens: Mapping[str, Secret], caplog: pytest.LogCaptureFixture
) -> None:
    shown = str.__str__(tokens["viewer"])
    headers = bearer(tokens["root"])
    caplog.set_level("INFO", "launchkit.server")
    answer = client.delete(f"/api/v1/tokens/{shown}", headers=headers)
    assert answer.status_code == 400
    assert shown not in answer.text
    (told,) = [one.getMessage() for one in caplog.records if one.name == "launchkit.server"]
    assert told == r"DELETE /api/v1/tokens/lk_\u2026: 400"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/entities/test/queues", None),
        ("GET", "/entities/test/queues/none", None),
        ("GET", "/entities/test/items/{item}/log", None),
        ("POST", "/tokens", {"owner": "viewer-test"}),
        ("GET", "/nowhere", None),
    ],
)
def test_no_answer_to_one_with_a_token_is_kept_by_a_cache_or_taken_for_a_page(
    client: httpx.Client,
    tokens: Mapping[str, Secret],
    method: str,
    path: str,
    body: dict[str, str] | None,
) -> None:
    path = path.format(item=str.__str__(tokens["item"]))
    answer = client.request(method, API + path, headers=bearer(tokens["root"]), json=body)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("who", "seen"), [("viewer", "…"), ("submitter", "…"), ("operator", "hush"), ("admin", "hush")]
)
def test_the_secrets_of_a_queue_are_read_by_its_operators_alone(
    client: httpx.Client, tokens: Mapping[str, Secret], who: str, seen: str
) -> None:
    spec = {"name": "hidden", "resource": "local-process", "config": {"env": {"API_KEY": "hush"}}}
    url = "/api/v1/entities/test/queues"
    operator, asks = (bearer(tokens[name]) for name in ("operator", who))
    assert client.post(url, headers=operator, json=spec).status_code == 201
    one = client.get(f"{url}/hidden", headers=asks).json()
    listed = {q["queue"]["spec"]["name"]: q for q in client.get(url, headers=asks).json()}
    for view in (one, listed["hidden"]):
        assert view["queue"]["spec"]["config"]["env"] == {"API_KEY": seen}


REFUSED: Mapping[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "choice": (
        {"env": {"PICK": "mode {{x}}"}},
        {"type": "string", "enum": ["fast", "token=hush-1"]},
        {"template_variables": {"x": "zz"}},
    ),
    "choice-with-a-login": (
        {"env": {"PICK": "{{x}}"}},
        {"type": "string", "enum": ["fast", "https://ann:hush-2@host/"]},
        {"template_variables": {"x": "zz"}},
    ),
    "pattern": (
        {"env": {"PICK": "{{x}}"}},
        {"type": "string", "pattern": "fast|token=hush-7"},
        {"template_variables": {"x": "zz"}},
    ),
    "key": (
        {"env": {"X_TOKEN=hush-3": "a-{{x}}"}},
        {"type": "string"},
        {"template_variables": {"x": ";x"}},
    ),
    "key-that-is-an-option": (
        {"options": {"--build-arg TOKEN=hush-4": "a-{{x}}"}},
        {"type": "string"},
        {"template_variables": {"x": ";x"}},
    ),
    "key-with-a-login": (
        {"hosts": {"https://ann:hush-5@host/": "x-${project_name}"}},
        {},
        {"project": "a;b"},
    ),
    "builder": ({"builder": "push --password hush-6"}, {}, {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_launch_is_refused_without_the_secrets_of_its_queue(
    client: httpx.Client, tokens: Mapping[str, Secret], case: str
) -> None:
    config, variable, asked = REFUSED[case]
    variables = {"x": variable} if variable else {}
    queue = {"name": case, "resource": "elsewhere", "config": config, "variables": variables}
    recipe = {"source": {"kind": "image", "image": "img:1"}}
    launch = {"spec": {"project": "p", "recipe": recipe, **asked}}
    operator, submitter = (bearer(tokens[name]) for name in ("operator", "submitter"))
    url = "/api/v1/entities/test/queues"
    made = client.post(url, headers=operator, json=queue)
    assert made.status_code == 201, made.text
    answer = client.post(f"{url}/{case}/launches", headers=submitter, json=launch)
    assert answer.status_code == 422
    told = answer.json()
    assert told["code"] == "rejected"
    assert "…" in told["detail"]
    assert "hush" not in answer.text
