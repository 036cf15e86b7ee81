"""Each route and each token: who may do what, and what others are told."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from fastapi.routing import APIRoute
from launchkit_server.access import Needs
from launchkit_server.api import health, people
from launchkit_server.app import ENTITY, OF_AN_ENTITY, make_app
from waiting import PATIENCE

from launchkit.abc import LaunchRequest
from launchkit.codec import plain
from launchkit.model import QueueSpec, Secret
from launchkit.model.people import EVERYWHERE, Permission, PrincipalKind, Role
from launchkit.store import claims, queues, submitting
from launchkit.store.database import Database
from launchkit.store.opening import database_of
from launchkit.store.people import AddAccount, GrantRole
from launchkit.store.tokens import (
    CreateAgentToken,
    CreateRunToken,
    CreateToken,
    NewToken,
    RevokeToken,
)
from launchkit.testing import VirtualClock, make_capacity, make_spec
from launchkit.wire.protocol import API

from .conftest import Served, nowhere
from .places import NO_TLS

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


async def account(database: Database, role: Role, entity: str) -> NewToken:
    name = f"{role}-{'all' if entity == EVERYWHERE else entity}"
    await database.write(AddAccount(name, PrincipalKind.USER, "test"))
    await database.write(GrantRole(name, entity, role, "test"))
    return await database.write(CreateToken(name, "test", expires_at=2_000_000_000.0))


async def tokens_of(database: Database) -> dict[str, Secret]:
    for name in ("q", "other"):
        spec = QueueSpec(name=name, resource="local-process")
        await database.write(queues.Create("test", spec, "test"))
    made = {str(role): (await account(database, role, "test")).secret for role in Role}
    made["root"] = (await account(database, Role.ADMIN, EVERYWHERE)).secret
    made["elsewhere"] = (await account(database, Role.ADMIN, "elsewhere")).secret
    gone = await database.write(CreateToken("admin-test", "test"))
    await database.write(RevokeToken(gone.token.id, "test"))
    over = await database.write(CreateToken("admin-test", "test", expires_at=1.0))
    made |= {"revoked": gone.secret, "expired": over.secret}
    for name, queue in (("box", "q"), ("box-own", "other"), ("box-gone", "other")):
        agent = await database.write(CreateAgentToken(name, "test", [queue], "test"))
        made["agent" if name == "box" else name] = agent.secret
    await database.write(RevokeToken(agent.token.id, "test"))
    return {**made, **await run_of(database)}


async def run_of(database: Database) -> dict[str, Secret]:
    """The token of a run, and beside it the id of the item that it is bound to."""
    request = LaunchRequest(spec=make_spec(), actor="ann")
    await database.write(submitting.Launch("test", "q", request))
    held = await database.write(claims.Take("test", "q", make_capacity(), 60.0))
    assert held is not None
    token = await database.write(CreateRunToken(held))
    return {"run": token.secret, "item": Secret(held.item.id)}


@pytest.fixture
def tokens(server: Served) -> Mapping[str, Secret]:
    with start_blocking_portal() as portal:
        return portal.call(_made, server.database_url)


async def _made(url: str) -> dict[str, Secret]:
    database = database_of(url, VirtualClock())
    async with database.opened():
        return await tokens_of(database)


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE, verify=NO_TLS) as client:
        yield client


def asked(client: httpx.Client, route: Route, token: str | None, **values: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {str.__str__(token)}"} if token else {}
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
    auth = {"Authorization": f"Bearer {str.__str__(tokens['run'])}"}
    assert client.get(own, headers=auth).json()["state"] == "claimed"
    assert client.get(f"{own}/log", headers=auth).status_code == 200
    for path in (f"{own}x", own.replace("/test/", "/other/")):
        assert client.get(path, headers=auth).status_code == 403
    admin = {"Authorization": f"Bearer {str.__str__(tokens['admin'])}"}
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
    auth = {"Authorization": f"Bearer {str.__str__(token)}"}
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
        headers={"Authorization": f"Bearer {str.__str__(tokens[who])}"},
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


STATUS = {
    "host": "h",
    "pid": 1,
    "version": "1",
    "max_jobs": 1,
    "started_at": 1.0,
    "name": "box",
    "entity": "test",
    "queues": ["q"],
}


def test_a_token_in_the_path_of_the_url_is_refused_and_not_logged(
    client: httpx.Client, tokens: Mapping[str, Secret], caplog: pytest.LogCaptureFixture
) -> None:
    shown = str.__str__(tokens["viewer"])
    headers = {"Authorization": f"Bearer {str.__str__(tokens['root'])}"}
    caplog.set_level("INFO", "launchkit.server")
    answer = client.delete(f"/api/v1/tokens/{shown}", headers=headers)
    assert answer.status_code == 400
    assert shown not in answer.text
    (told,) = [one.getMessage() for one in caplog.records if one.name == "launchkit.server"]
    assert told == r"DELETE /api/v1/tokens/lk_\u2026: 400"


CAPACITY = {"site": "s", "resources": ["local-process"], "unable": {}}


@pytest.mark.parametrize(
    ("queue", "agent", "status"),
    [("q", "box", 200), ("q", "box-1", 200), ("other", "box", 403), ("q", "boxer", 403)],
)
def test_the_token_of_an_agent_is_good_for_its_queues_and_its_name(
    client: httpx.Client, tokens: Mapping[str, Secret], queue: str, agent: str, status: int
) -> None:
    answer = client.post(
        "/api/v1/entities/test/agent/claims",
        headers={"Authorization": f"Bearer {str.__str__(tokens['agent'])}"},
        json={"queue": queue, "capacity": {"agent": agent, **CAPACITY}, "claim_id": "c"},
    )
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("token", "agent", "let_in"),
    [
        ("agent", "box", True),
        ("agent", "box-1", True),
        ("agent", "box-owner", True),
        ("agent", "box-gone", True),
        ("agent", "box-own", False),
        ("agent", "box-own-1", False),
        ("box-own", "box-own", True),
        ("box-own", "box-own-1", True),
        ("box-own", "box", False),
    ],
)
def test_the_token_of_an_agent_is_not_good_for_a_name_that_has_a_token_of_its_own(
    client: httpx.Client, tokens: Mapping[str, Secret], token: str, agent: str, let_in: bool
) -> None:
    auth = {"Authorization": f"Bearer {str.__str__(tokens[token])}"}
    status = {**STATUS, "name": agent}
    for what, body in (
        ("register", {"session": "s", "status": status}),
        ("beats", {"session": "s", "status": status, "held": [], "wait": 0}),
        ("locks", {"name": "n", "holder": f"{agent}/run/1", "seconds": 1, "session": "s"}),
        ("locks/release", {"name": "n", "holder": f"{agent}/run/1", "seconds": 1}),
        ("leave", {"agent": agent, "dead": False, "session": "s"}),
    ):
        answer = client.post(f"/api/v1/entities/test/agent/{what}", headers=auth, json=body)
        assert answer.status_code in ({200, 204} if let_in else {403}), (what, answer.text)


def test_one_who_may_not_work_as_an_agent_is_told_how_an_agent_gets_a_token(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    auth = {"Authorization": f"Bearer {str.__str__(tokens['submitter'])}"}
    answer = client.post("/api/v1/entities/test/agent/claims", headers=auth, json={})
    assert answer.status_code == 403
    assert "launchkit token create --agent" in answer.json()["hint"]


@pytest.mark.parametrize(
    ("who", "seen"), [("viewer", "…"), ("submitter", "…"), ("operator", "hush"), ("admin", "hush")]
)
def test_the_secrets_of_a_queue_are_read_by_its_operators_alone(
    client: httpx.Client, tokens: Mapping[str, Secret], who: str, seen: str
) -> None:
    spec = {"name": "hidden", "resource": "local-process", "config": {"env": {"API_KEY": "hush"}}}
    url = "/api/v1/entities/test/queues"
    operator, asks = (
        {"Authorization": f"Bearer {str.__str__(tokens[name])}"} for name in ("operator", who)
    )
    assert client.post(url, headers=operator, json=spec).status_code == 201
    one = client.get(f"{url}/hidden", headers=asks).json()
    listed = {q["queue"]["spec"]["name"]: q for q in client.get(url, headers=asks).json()}
    for view in (one, listed["hidden"]):
        assert view["queue"]["spec"]["config"]["env"] == {"API_KEY": seen}


@pytest.mark.parametrize(
    ("method", "what", "body"),
    [
        ("GET", "log?token=1", None),
        ("PUT", "log?token=1&offset=0", None),
        ("POST", "reports", {"token": 1, "report": {"state": "finished"}}),
        ("POST", "run-token", {"token": 1}),
    ],
)
def test_a_stolen_agent_token_touches_nothing_of_other_queues(
    client: httpx.Client,
    tokens: Mapping[str, Secret],
    method: str,
    what: str,
    body: dict[str, object] | None,
) -> None:
    admin, agent = (
        {"Authorization": f"Bearer {str.__str__(tokens[name])}"} for name in ("admin", "agent")
    )
    base = "/api/v1/entities/test"
    spec = plain(make_spec())
    made = client.post(f"{base}/queues/other/launches", headers=admin, json={"spec": spec}).json()
    wanted = {"queue": "other", "capacity": {"agent": "box", **CAPACITY}, "claim_id": "c"}
    client.post(f"{base}/agent/claims", headers=admin, json=wanted)
    url = f"{base}/agent/items/{made['id']}/{what}"
    assert client.request(method, url, headers=agent, json=body).status_code == 403
    assert client.request(method, url, headers=admin, json=body).is_success


@pytest.mark.parametrize("what", ["locks", "locks/release"])
def test_a_stolen_agent_token_takes_no_locks_of_other_agents(
    client: httpx.Client, tokens: Mapping[str, Secret], what: str
) -> None:
    agent = {"Authorization": f"Bearer {str.__str__(tokens['agent'])}"}
    url = f"/api/v1/entities/test/agent/{what}"
    for holder, allowed in (("box/run/1", True), ("box-2/run/1", True), ("other/run/1", False)):
        body = {"name": holder, "holder": holder, "seconds": 1}
        assert client.post(url, headers=agent, json=body).is_success is allowed


@pytest.mark.parametrize("name", ["service:webhook:1", "service:collects"])
def test_no_agent_takes_a_lock_of_the_service_itself(
    client: httpx.Client, tokens: Mapping[str, Secret], name: str
) -> None:
    agent = {"Authorization": f"Bearer {str.__str__(tokens['agent'])}"}
    body = {"name": name, "holder": "box/run/1", "seconds": 1}
    for what in ("locks", "locks/release"):
        answer = client.post(f"/api/v1/entities/test/agent/{what}", headers=agent, json=body)
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    "wrong", [{"seconds": 1e9}, {"seconds": -1}, {"name": "n" * 3000}, {"holder": "box/" * 1000}]
)
def test_a_lock_is_bounded_in_time_and_size(
    client: httpx.Client, tokens: Mapping[str, Secret], wrong: dict[str, object]
) -> None:
    agent = {"Authorization": f"Bearer {str.__str__(tokens['agent'])}"}
    body = {"name": "n", "holder": "box/run/1", "seconds": 1, **wrong}
    answer = client.post("/api/v1/entities/test/agent/locks", headers=agent, json=body)
    assert answer.status_code == 422, answer.text


def test_an_agent_of_the_same_name_in_another_entity_frees_no_lock(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    box, root = (
        {"Authorization": f"Bearer {str.__str__(tokens[who])}"} for who in ("agent", "root")
    )
    lock = {"name": "image", "holder": "box/run/1", "seconds": 60}
    assert client.post("/api/v1/entities/test/agent/locks", headers=box, json=lock).json()["held"]
    elsewhere = "/api/v1/entities/elsewhere/agent"
    dead = {"agent": "box", "dead": True}
    for what, body in (("locks/release", lock), ("leave", dead)):
        assert client.post(f"{elsewhere}/{what}", headers=root, json=body).is_success
    held = client.post(f"{elsewhere}/locks", headers=root, json=lock).json()["held"]
    assert not held, "the agent of another entity is another holder"


def test_a_queue_that_an_agent_names_many_times_is_looked_at_once(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    submitter, box = (
        {"Authorization": f"Bearer {str.__str__(tokens[who])}"} for who in ("submitter", "agent")
    )
    base = "/api/v1/entities/test"
    body = {"spec": plain(make_spec())}
    assert client.post(f"{base}/queues/q/launches", headers=submitter, json=body).is_success
    wanted = {"queues": ["q"] * 100_000, "capacity": {"agent": "box", **CAPACITY}, "wait": 0}
    answer = client.post(f"{base}/agent/waits", headers=box, json=wanted)
    assert answer.json() == {"queues": ["q"]}


@pytest.mark.parametrize("what", ["register", "beats"])
def test_an_agent_says_nothing_of_queues_that_it_is_not_bound_to(
    client: httpx.Client, tokens: Mapping[str, Secret], what: str
) -> None:
    admin, box = (
        {"Authorization": f"Bearer {str.__str__(tokens[who])}"} for who in ("admin", "agent")
    )
    base = "/api/v1/entities/test"
    body = {"session": "s", "status": {**STATUS, "queues": ["q", "other"]}, "held": [], "wait": 0}
    assert client.post(f"{base}/agent/{what}", headers=box, json=body).is_success
    (seen,) = client.get(f"{base}/agents", headers=admin).json()
    assert seen["status"]["queues"] == ["q"]


def test_an_agent_is_told_of_no_end_in_a_queue_that_it_is_not_bound_to(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    admin, box = (
        {"Authorization": f"Bearer {str.__str__(tokens[who])}"} for who in ("admin", "agent")
    )
    base, ended = "/api/v1/entities/test", {}
    for queue in ("q", "other"):
        body = {"spec": plain(make_spec())}
        made = client.post(f"{base}/queues/{queue}/launches", headers=admin, json=body).json()
        url = f"{base}/items/{made['id']}/changes"
        assert client.post(url, headers=admin, json={"kind": "stop"}).is_success
        ended[queue] = made["id"]
    wanted = {"attempts": dict.fromkeys(ended.values(), 1)}
    for who, items in ((box, {ended["q"]}), (admin, {*ended.values()})):
        answer = client.post(f"{base}/agent/over", headers=who, json=wanted)
        assert {*answer.json()["items"]} == items


def test_an_agent_touches_nothing_that_another_agent_of_its_queue_holds(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    admin, box = (
        {"Authorization": f"Bearer {str.__str__(tokens[who])}"} for who in ("admin", "agent")
    )
    base = "/api/v1/entities/test"
    made = client.post(
        f"{base}/queues/q/launches", headers=admin, json={"spec": plain(make_spec())}
    )
    wanted = {"queue": "q", "capacity": {"agent": "box-own", **CAPACITY}, "claim_id": "c"}
    claim = client.post(f"{base}/agent/claims", headers=admin, json=wanted).json()["claim"]
    item, token = made.json()["id"], claim["token"]
    assert claim["item"]["id"] == item
    for method, what, body in (
        ("GET", f"log?token={token}", None),
        ("PUT", f"log?token={token}&offset=0", None),
        ("POST", "reports", {"token": token, "report": {"state": "finished"}}),
        ("POST", "run-token", {"token": token}),
    ):
        url = f"{base}/agent/items/{item}/{what}"
        answer = client.request(method, url, headers=box, json=body)
        assert answer.status_code == 403, (what, answer.text)
    beat = {"status": {**STATUS, "name": "box"}, "held": [{"item_id": item, "token": token}]}
    orders = client.post(f"{base}/agent/beats", headers=box, json={**beat, "wait": 0}).json()
    assert orders["lost"] == [item], "no lease of another agent is renewed"
