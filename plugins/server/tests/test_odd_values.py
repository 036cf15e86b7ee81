"""What JSON and URLs can say and no database can keep is told; it is no fault of the server."""

from collections.abc import Iterator
from random import Random

import httpx
import pytest

from launchkit.model.claims import MOST_WARNINGS
from launchkit.model.names import MOST_LISTED

from .browsing import Browser
from .conftest import Served
from .over_http import CAPACITY, RECIPE, SPEC, Held, claimed, client_in, launched

STATUS = {"name": "box", "host": "h", "pid": 1, "version": "1", "entity": "test", "queues": []}
STATUS |= {"max_jobs": 1, "started_at": 1.0}
JSON = {"Content-Type": "application/json"}
BIG = str(2**70)
VALUES = {
    "half a letter": r'"\ud800"',
    "a zero": r'"\u0000"',
    "infinity": "1e999",
    "no number": "NaN",
    "a long number": "9" * 5000,
    "a large number": BIG,
    "a number that is no time": "1e308",
    **{f"{depth} deep": '{"a":' * depth + "1" + "}" * depth for depth in (240, 500, 900, 3000)},
}
URLS = (
    "/item?ref=%00", "/items?name=%00", "/items?since=nan", "/items?since=inf", "/queues/%00",
    f"/items?name={'*' * 3000}", f"/items?name={'%5B' * 300}", f"/queues/{'x' * 5000}",
    "/log?item=%ff", f"/job?reference=x:v{'9' * 30}", "/job?reference=x:v%D9%A3", "/kinds/%00",
    f"/events?since={BIG}", f"/agent/items/x/log?token={BIG}",
)  # fmt: skip


@pytest.fixture
def client(server: Served) -> Iterator[httpx.Client]:
    with client_in(server, "test") as client:
        yield client


@pytest.fixture
def held(client: httpx.Client) -> Held:
    launched(client)
    return claimed(client)


def bodies(value: str, held: Held) -> Iterator[tuple[str, str]]:
    """The same odd value at many places."""
    image = f'{{"kind":"image","image":{value}}}'
    recipe = f'{{"source":{{"kind":"image","image":"x"}},"config":{{"a":{value}}}}}'
    yield "/queues", f'{{"name":"n","resource":"r","config":{{"a":{value}}}}}'
    yield "/queues", f'{{"name":"m","resource":{value}}}'
    yield "/queues", f'{{"name":"o","resource":"r","max_concurrent":{value}}}'
    yield "/queues/parse", f'{{"config":{{"a":{value}}}}}'
    yield "/queues/check", f'{{"name":"p","resource":"r","config":{{"a":{value}}}}}'
    yield "/queues/q/launches", f'{{"spec":{{"recipe":{recipe}}}}}'
    yield "/queues/q/launches", f'{{"spec":{{"recipe":{{"source":{image}}}}}}}'
    yield "/jobs/j", f'{{"recipe":{recipe}}}'
    yield "/items/changes", f'{{"filter":{{"since":{value}}},"change":{{"kind":"release"}}}}'
    yield "/agent/locks", f'{{"name":"a","holder":"b","seconds":{value}}}'
    about = '"name":"a","host":"h","pid":1,"version":"1","entity":"test","queues":[],"max_jobs":1'
    beat = f'{{"status":{{{about},"started_at":{value}}},"held":[],"wait":0}}'
    yield "/agent/beats", beat
    reports = f"/agent/items/{held.id}/reports"
    yield reports, f'{{"token":{value},"report":{{"state":"running"}}}}'
    told = f'"state":"running","exit_code":{value}'
    yield reports, f'{{"token":{held.token},"report":{{{told}}}}}'
    told = f'"state":"running","resolved":{{"a":{value}}}'
    yield reports, f'{{"token":{held.token},"report":{{{told}}}}}'


@pytest.mark.parametrize("name", VALUES)
def test_an_odd_value_is_kept_or_told(client: httpx.Client, held: Held, name: str) -> None:
    for path, body in bodies(VALUES[name], held):
        answer = client.post(path, content=body, headers=JSON)
        assert answer.status_code < 500, (path, answer.text)
        assert ".db" not in answer.text
    for path in ("/queues", "/jobs", "/items", f"/item?ref={held.id}"):
        assert client.get(path).is_success, path
    for agent in client.get("/agents").json():
        assert 0 <= agent["status"]["started_at"] < 10**12


@pytest.mark.parametrize("name", ["infinity", "no number"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/queues", '{{"name":"n","resource":"r","config":{{"a":{}}}}}'),
        (
            "/queues/q/launches",
            '{{"spec":{{"recipe":{{"source":{{"kind":"image","image":"x"}},"config":{{"a":{}}}}}}}}}',
        ),
        ("/jobs/j", '{{"recipe":{{"source":{{"kind":"image","image":"x"}},"config":{{"a":{}}}}}}}'),
    ],
)
def test_a_number_that_would_be_kept_as_null_is_refused(
    client: httpx.Client, held: Held, name: str, path: str, body: str
) -> None:
    answer = client.post(path, content=body.format(VALUES[name]), headers=JSON)
    assert answer.is_client_error, answer.text
    assert "must be a finite number" in answer.text


@pytest.mark.parametrize("time", ["1e308", "1e18", "-1e18", "253402300800", "1e999", "NaN"])
def test_a_time_that_no_calendar_has_is_refused(client: httpx.Client, time: str) -> None:
    pause = '"spec":{"name":"q","resource":"local-process"},"pause":{"reason":"r","by":"ann",'
    for method, path, body, place in (
        ("PUT", "/queues/q", f'{{{pause}"at":{time}}}}}', "body.pause.at: "),
        ("PUT", "/queues/q", f'{{{pause}"at":1,"until":{time}}}}}', "body.pause.until: "),
        (
            "POST",
            "/agent-tokens",
            f'{{"agent":"b","queues":["q"],"expires_at":{time}}}',
            "expires_at",
        ),
        ("POST", "/api/v1/tokens", f'{{"owner":"ann","expires_at":{time}}}', "expires_at"),
    ):
        url = client.base_url.join(path) if path.startswith("/api") else path
        answer = client.request(method, url, content=body, headers=JSON)
        assert answer.status_code == 422, (path, answer.text)
        assert place in answer.text


@pytest.mark.parametrize("name", VALUES)
def test_an_odd_output_of_a_run_is_kept_or_told(
    client: httpx.Client, held: Held, name: str
) -> None:
    made = client.post(f"/agent/items/{held.id}/run-token", json={"token": held.token})
    own = {"Authorization": f"Bearer {made.json()['secret']}"}
    for body in (f'{{"a":{VALUES[name]}}}', VALUES[name]):
        answer = client.patch(f"/runs/{held.id}/outputs", content=body, headers={**JSON, **own})
        assert answer.status_code in {204, 400, 422}, answer.text
        assert client.get(f"/runs/{held.id}", headers=own).is_success
        assert client.get(f"/item?ref={held.id}").is_success


@pytest.mark.parametrize("header", ["Origin", "Referer", "Host", "Last-Event-ID", "Cookie"])
@pytest.mark.parametrize("said", ["http://[", "[", "//x:y", "\x7f", "a b/c", "x" * 9000])
def test_an_odd_header_is_told(server: Served, header: str, said: str) -> None:
    with httpx.Client(base_url=server.url, headers={header: said}, timeout=60) as client:
        for method, path in (("POST", "/sign-in"), ("GET", "/e/e/queues"), ("POST", "/e/e/launch")):
            answer = client.request(method, path)
            assert answer.status_code < 500, (path, answer.text)


@pytest.mark.parametrize("url", URLS)
def test_an_odd_address_is_told(client: httpx.Client, url: str) -> None:
    assert client.get(url).status_code < 500


def test_a_name_in_a_path_that_is_longer_than_any_is_told(
    server: Served, client: httpx.Client
) -> None:
    """Also that of an entity, of which there are as many as somebody asks for."""
    said = client.get(f"{server.url}/api/v1/entities/{'x' * 513}/items").json()
    assert said["detail"] == "a name in the address: has 513 characters; a name may have 512"


def wide(size: int) -> str:
    """A name of so many bytes, of letters that no database makes less of."""
    letters = Random(size)
    return "".join(chr(letters.randrange(0x20000, 0x2A000)) for _ in range(size // 4))


def test_the_longest_names_have_room_in_the_indexes_of_each_database(server: Served) -> None:
    name, key, lock = wide(1024), wide(1024)[::-1], wide(2000)
    with client_in(server, wide(1024)) as client:
        item = launched(client, spec={"recipe": RECIPE, "name": name}, idempotency_key=key)
        assert client.get("/item", params={"ref": name}).json()["item"]["id"] == item["id"]
        assert claimed(client, key).id == item["id"]
        asked = {"name": lock, "holder": "box/x", "seconds": 1}
        assert client.post("/agent/locks", json=asked).json() == {"held": True}


def test_a_name_of_too_many_bytes_is_refused_in_the_same_words_by_each_database(
    server: Served, client: httpx.Client
) -> None:
    name, lock = wide(1028), wide(2004)
    for path, body in (
        ("/queues/q/launches", {"spec": {"recipe": RECIPE, "name": name}}),
        ("/queues/q/launches", {"spec": {"recipe": RECIPE}, "idempotency_key": name}),
        ("/agent/claims", {"queue": "q", "capacity": CAPACITY, "claim_id": name}),
        (f"/../{name}/queues", SPEC),
        ("/agent/locks", {"name": lock, "holder": "box/x", "seconds": 1}),
    ):
        answer = client.post(path, json=body)
        assert answer.status_code in {400, 422}, answer.text
        assert "bytes in UTF-8" in answer.json()["detail"]


def test_what_an_agent_tells_of_a_launch_is_checked_where_it_comes_in(
    client: httpx.Client, held: Held
) -> None:
    told = {"name": "n", "env": ["A"], "command": ["x"], "request": {}, "more": [1]}
    reports = f"/agent/items/{held.id}/reports"

    def tell(**resolved: object) -> httpx.Response:
        report = {"state": "running", "resolved": told | resolved}
        return client.post(reports, json={"token": held.token, "report": report})

    assert tell().status_code == 204
    for name in ("name", "image", "command", "env", "origins", "request", "config"):
        for odd in (5, "x", {"a": None}, [[]]):
            is_text = isinstance(odd, str) and name in {"name", "image"}
            is_any = isinstance(odd, dict) and name in {"request", "config"}
            if not is_text and not is_any:
                answer = tell(**{name: odd})
                assert answer.status_code == 422, (name, odd)
                assert f"report.resolved.{name}" in answer.json()["detail"]
    assert client.get(f"/item?ref={held.id}").json()["item"]["resolved"] == told


MANY = [f"{number}" for number in range(MOST_LISTED + 1)]


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("beats", {"held": [{"item_id": "x", "token": 1}] * len(MANY)}),
        ("beats", {"held": [], "heard": {"lost": MANY}}),
        ("beats", {"held": [], "heard": {"stop": [{"item_id": "x", "by": "b"}] * len(MANY)}}),
        ("waits", {"queues": MANY, "wait": 0}),
        ("waits", {"queues": [], "paused": dict.fromkeys(MANY, True), "wait": 0}),
        ("claims", {"queue": "q", "capacity": {**CAPACITY, "resources": MANY}, "claim_id": "c"}),
        ("blocked", {"queue": "q", "capacity": {**CAPACITY, "unable": dict.fromkeys(MANY, "x")}}),
        ("over", {"attempts": dict.fromkeys(MANY, 1)}),
        ("items/x/reports", {"token": 1, "report": {"state": "running", "warnings": MANY}}),
        (
            "items/x/reports",
            {
                "token": 1,
                "report": {
                    "state": "failed",
                    "verdict": {"code": "x", "summary": "y", "evidence": MANY},
                },
            },
        ),
    ],
)
def test_what_an_agent_lists_is_bounded(
    client: httpx.Client, verb: str, body: dict[str, object]
) -> None:
    said = {"status": STATUS, "capacity": CAPACITY, **body}
    answer = client.post(f"/agent/{verb}", json=said)
    assert answer.status_code == 422
    most = MOST_WARNINGS if "warnings" in answer.text else MOST_LISTED
    assert f"at most {most} items" in answer.json()["detail"]


def test_a_page_shows_what_little_an_agent_has_told(
    server: Served, client: httpx.Client, held: Held
) -> None:
    held.reports("running", resolved={"image": "busybox", "origins": {"image": "launch"}})
    with Browser(server) as browser:
        browser.sign_in()
        page = browser.get(f"/e/test/launches/{held.id}?tab=request")
    assert page.status_code == 200
    assert "image: busybox" in page.text
    assert "Who decided what" in page.text
