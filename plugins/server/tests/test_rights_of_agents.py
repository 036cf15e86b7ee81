"""What the token of an agent is good for, and what not."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from launchkit.codec import plain
from launchkit.model import Secret
from launchkit.testing import make_spec

from .roles import bearer

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
        headers=bearer(tokens["agent"]),
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
    auth = bearer(tokens[token])
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
    auth = bearer(tokens["submitter"])
    answer = client.post("/api/v1/entities/test/agent/claims", headers=auth, json={})
    assert answer.status_code == 403
    assert "launchkit token create --agent" in answer.json()["hint"]


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
    admin, agent = (bearer(tokens[name]) for name in ("admin", "agent"))
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
    agent = bearer(tokens["agent"])
    url = f"/api/v1/entities/test/agent/{what}"
    for holder, allowed in (("box/run/1", True), ("box-2/run/1", True), ("other/run/1", False)):
        body = {"name": holder, "holder": holder, "seconds": 1}
        assert client.post(url, headers=agent, json=body).is_success is allowed


@pytest.mark.parametrize("name", ["service:webhook:1", "service:collects"])
def test_no_agent_takes_a_lock_of_the_service_itself(
    client: httpx.Client, tokens: Mapping[str, Secret], name: str
) -> None:
    agent = bearer(tokens["agent"])
    body = {"name": name, "holder": "box/run/1", "seconds": 1}
    for what in ("locks", "locks/release", "locks/waits"):
        wanted = {**body, "wait": 0}
        answer = client.post(f"/api/v1/entities/test/agent/{what}", headers=agent, json=wanted)
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    "wrong", [{"seconds": 1e9}, {"seconds": -1}, {"name": "n" * 3000}, {"holder": "box/" * 1000}]
)
def test_a_lock_is_bounded_in_time_and_size(
    client: httpx.Client, tokens: Mapping[str, Secret], wrong: dict[str, object]
) -> None:
    agent = bearer(tokens["agent"])
    body = {"name": "n", "holder": "box/run/1", "seconds": 1, **wrong}
    answer = client.post("/api/v1/entities/test/agent/locks", headers=agent, json=body)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("what", ["register", "beats"])
def test_what_an_agent_says_of_itself_is_bounded(
    client: httpx.Client, tokens: Mapping[str, Secret], what: str
) -> None:
    admin, box = (bearer(tokens[who]) for who in ("admin", "agent"))
    base = "/api/v1/entities/test"
    body = {"session": "s", "status": {**STATUS, "doing": "x" * 2**16}, "held": [], "wait": 0}
    answer = client.post(f"{base}/agent/{what}", headers=box, json=body)
    assert (answer.status_code, "at most" in answer.json()["detail"]) == (422, True)
    assert client.get(f"{base}/agents", headers=admin).json() == []


def test_an_agent_of_the_same_name_in_another_entity_frees_no_lock(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    box, root = (bearer(tokens[who]) for who in ("agent", "root"))
    lock = {"name": "image", "holder": "box/run/1", "seconds": 60}
    assert client.post("/api/v1/entities/test/agent/locks", headers=box, json=lock).json()["held"]
    elsewhere = "/api/v1/entities/elsewhere/agent"
    dead = {"agent": "box", "dead": True}
    for what, body in (("locks/release", lock), ("leave", dead)):
        assert client.post(f"{elsewhere}/{what}", headers=root, json=body).is_success
    held = client.post(f"{elsewhere}/locks", headers=root, json=lock).json()["held"]
    assert not held, "the agent of another entity is another holder"


def requests_of(agent: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """All that an agent of that name says of itself."""
    status, capacity = {**STATUS, "name": agent}, {"agent": agent, **CAPACITY}
    lock = {"name": "n", "holder": f"{agent}/run/1", "seconds": 1}
    yield "register", {"session": "s", "status": status}
    yield "beats", {"session": "s", "status": status, "held": [], "wait": 0}
    yield "claims", {"queue": "q", "capacity": capacity, "claim_id": "c"}
    yield "waits", {"queues": ["q"], "capacity": capacity, "wait": 0}
    yield "blocked", {"queue": "q", "capacity": capacity}
    yield "leave", {"agent": agent, "dead": True}
    if "/" not in agent:  # which ends the agent's name there
        yield "locks", lock
        yield "locks/release", lock


@pytest.mark.parametrize("who", ["agent", "admin"])
@pytest.mark.parametrize(
    "agent", ["box-own/run", "box-/", "box-a b", "box-$(x)", "box-\n", "box-é", "box-" + "x" * 130]
)
def test_no_agent_has_a_name_that_could_be_taken_for_more_than_a_name(
    client: httpx.Client, tokens: Mapping[str, Secret], who: str, agent: str
) -> None:
    auth = bearer(tokens[who])
    for what, body in requests_of(agent):
        answer = client.post(f"/api/v1/entities/test/agent/{what}", headers=auth, json=body)
        assert answer.status_code == 422, (what, answer.text)
        assert "is no name of an agent" in answer.json()["detail"]


def test_an_agent_frees_no_lock_of_another_by_a_name_that_goes_on_as_its_holder_does(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    owner, box = (bearer(tokens[who]) for who in ("box-own", "agent"))
    base = "/api/v1/entities/test/agent"
    lock = {"name": "image", "holder": "box-own/run77/u1", "seconds": 60}
    assert client.post(f"{base}/locks", headers=owner, json=lock).json()["held"]
    for name in ("box-own/run77", "box-own", "box-own/", "box-/../box-own/run77"):
        client.post(f"{base}/leave", headers=box, json={"agent": name, "dead": True})
    other = {**lock, "holder": "box/run1/u1"}
    assert not client.post(f"{base}/locks", headers=box, json=other).json()["held"]
    assert client.post(f"{base}/locks", headers=owner, json=lock).json()["held"]


def test_a_queue_that_an_agent_names_many_times_is_looked_at_once(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    submitter, box = (bearer(tokens[who]) for who in ("submitter", "agent"))
    base = "/api/v1/entities/test"
    body = {"spec": plain(make_spec())}
    assert client.post(f"{base}/queues/q/launches", headers=submitter, json=body).is_success
    wanted = {"queues": ["q"] * 9_000, "capacity": {"agent": "box", **CAPACITY}, "wait": 0}
    answer = client.post(f"{base}/agent/waits", headers=box, json=wanted)
    assert answer.json() == {"queues": ["q"]}


@pytest.mark.parametrize("what", ["register", "beats"])
def test_an_agent_says_nothing_of_queues_that_it_is_not_bound_to(
    client: httpx.Client, tokens: Mapping[str, Secret], what: str
) -> None:
    admin, box = (bearer(tokens[who]) for who in ("admin", "agent"))
    base = "/api/v1/entities/test"
    body = {"session": "s", "status": {**STATUS, "queues": ["q", "other"]}, "held": [], "wait": 0}
    assert client.post(f"{base}/agent/{what}", headers=box, json=body).is_success
    (seen,) = client.get(f"{base}/agents", headers=admin).json()
    assert seen["status"]["queues"] == ["q"]


def test_an_agent_is_told_of_no_end_in_a_queue_that_it_is_not_bound_to(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    admin, box = (bearer(tokens[who]) for who in ("admin", "agent"))
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


@pytest.mark.parametrize("state", ["queued", "running", "finished"])
def test_an_agent_is_not_told_that_there_is_a_launch_in_a_queue_that_it_is_not_bound_to(
    client: httpx.Client, tokens: Mapping[str, Secret], state: str
) -> None:
    admin, box = (bearer(tokens[who]) for who in ("admin", "agent"))
    base = "/api/v1/entities/test"
    launch = {"spec": plain(make_spec())}
    item = client.post(f"{base}/queues/other/launches", headers=admin, json=launch).json()["id"]
    wanted = {"queue": "other", "capacity": {"agent": "box-own", **CAPACITY}, "claim_id": "c"}
    token = client.post(f"{base}/agent/claims", headers=admin, json=wanted).json()["claim"]["token"]
    report = {"token": token, "report": {"state": state}}
    url = f"{base}/agent/items/{item}/reports"
    assert client.post(url, headers=admin, json=report).is_success

    def told(item: str, token: int) -> list[tuple[str, str]]:
        answers = []
        for method, what, body in (
            ("GET", f"log?token={token}", None),
            ("PUT", f"log?token={token}&offset=0", None),
            ("POST", "reports", {"token": token, "report": {"state": "finished"}}),
            ("POST", "run-token", {"token": token}),
        ):
            url = f"{base}/agent/items/{item}/{what}"
            answer = client.request(method, url, headers=box, json=body)
            problem = answer.json()
            answers.append((problem["code"], problem["detail"].replace(item, "ID")))
        return answers

    for one in (token, token + 1):
        assert told(item, one) == told("0" * len(item), one)


def test_an_agent_neither_keeps_nor_hears_of_launches_in_queues_that_it_is_not_bound_to(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    admin, box = (bearer(tokens[who]) for who in ("admin", "agent"))
    base, held = "/api/v1/entities/test", []
    for queue in ("q", "other"):
        launch = {"spec": plain(make_spec())}
        assert client.post(f"{base}/queues/{queue}/launches", headers=admin, json=launch).is_success
        wanted = {"queue": queue, "capacity": {"agent": "box", **CAPACITY}, "claim_id": queue}
        claim = client.post(f"{base}/agent/claims", headers=admin, json=wanted).json()["claim"]
        held.append({"item_id": claim["item"]["id"], "token": claim["token"]})
        url = f"{base}/items/{claim['item']['id']}/changes"
        assert client.post(url, headers=admin, json={"kind": "stop"}).is_success
    own, other = (one["item_id"] for one in held)
    beat = {"status": STATUS, "held": held, "wait": 0}
    for who, lost, stopped in ((box, [other], [own]), (admin, [], [own, other])):
        orders = client.post(f"{base}/agent/beats", headers=who, json=beat).json()
        assert orders["lost"] == lost
        assert {one["item_id"] for one in orders["stop"]} == {*stopped}


def test_an_agent_whose_report_that_a_launch_waits_again_was_not_answered_may_say_so_again(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    admin, box = (bearer(tokens[who]) for who in ("admin", "agent"))
    base = "/api/v1/entities/test"
    launch = {"spec": plain(make_spec())}
    item = client.post(f"{base}/queues/q/launches", headers=admin, json=launch).json()["id"]
    wanted = {"queue": "q", "capacity": {"agent": "box", **CAPACITY}, "claim_id": "c"}
    token = client.post(f"{base}/agent/claims", headers=box, json=wanted).json()["claim"]["token"]
    reports = f"{base}/agent/items/{item}/reports"
    again = {"token": token, "report": {"state": "queued", "next_attempt": True}}
    for _ in range(2):
        assert client.post(reports, headers=box, json=again).status_code == 204
    late = {"token": token, "report": {"state": "running"}}
    assert client.post(reports, headers=box, json=late).json()["code"] == "lease_lost"


def test_an_agent_is_told_that_its_attempt_is_over_also_where_the_launch_has_another_queue_now(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    admin, box = (bearer(tokens[who]) for who in ("admin", "agent"))
    base = "/api/v1/entities/test"
    launch = {"spec": plain(make_spec())}
    item = client.post(f"{base}/queues/q/launches", headers=admin, json=launch).json()["id"]
    wanted = {"queue": "q", "capacity": {"agent": "box", **CAPACITY}, "claim_id": "c"}
    claim = client.post(f"{base}/agent/claims", headers=box, json=wanted).json()["claim"]
    reports = f"{base}/agent/items/{item}/reports"
    again = {"token": claim["token"], "report": {"state": "queued", "next_attempt": True}}
    assert client.post(reports, headers=box, json=again).is_success

    def changed(**change: str) -> None:
        url = f"{base}/items/{item}/changes"
        answer = client.post(url, headers=admin, json=change)
        assert answer.is_success, answer.text

    def over(attempt: int) -> list[str]:
        wanted = {"attempts": {item: attempt}}
        told: list[str] = client.post(f"{base}/agent/over", headers=box, json=wanted).json()[
            "items"
        ]
        return told

    changed(kind="move", queue="other")
    late = {"token": claim["token"], "report": {"state": "running"}}
    answer = client.post(reports, headers=box, json=late)
    assert answer.json()["code"] == "lease_lost", answer.text
    assert over(1) == [item]
    changed(kind="stop")
    assert over(1) == [item]
    assert over(2) == [], "it was never at that attempt"


def test_an_agent_touches_nothing_that_another_agent_of_its_queue_holds(
    client: httpx.Client, tokens: Mapping[str, Secret]
) -> None:
    admin, box = (bearer(tokens[who]) for who in ("admin", "agent"))
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
