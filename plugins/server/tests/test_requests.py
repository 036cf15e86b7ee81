"""What comes in: too large, too slow, cut off, of the wrong kind, too often; over real sockets."""

import gzip
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from launchkit_server.bodies import LONG as LONG_BODY
from launchkit_server.bodies import MOST_VALUES
from launchkit_server.door import Door
from launchkit_server.envelope import Limits
from launchkit_server.rates import MANY, PROVED, Askers, Rates
from launchkit_server.shares import BODIES
from waiting import PATIENCE

from .conftest import Served, client_of, served_with

QUEUES = "/api/v1/entities/test/queues"
LIMITS = Limits(body=4096)
HASTY = replace(LIMITS, piece_seconds=0.5, body_seconds=1.0)
SPEC = {"name": "q", "resource": "local-process"}


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Served]:
    """A service that takes little."""
    with served_with(Door(limits=LIMITS), tmp_path) as served:
        yield served


@pytest.fixture
def client(small: Served) -> Iterator[httpx.Client]:
    with client_of(small) as client:
        yield client


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["code"] == code
    assert told["instance"] == answer.headers["x-request-id"]
    return told


def spoken(served: Served, *lines: str, end: bool = False) -> bytes:
    """What comes back of what is said word by word, and then left so."""
    url = httpx.URL(served.url)
    with socket.create_connection((url.host, url.port or 0), 60) as peer:
        head = (*lines, f"Authorization: Bearer {str.__str__(served.tokens['ann'])}", "Host: here")
        peer.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + b'{"name"')
        if end:
            peer.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: peer.recv(65536), b""))


def until_told(ask: Callable[[], httpx.Response], status: int) -> httpx.Response:
    """The first answer of that status: what others sent before may not have come yet."""
    answers = iter(ask, None)
    return next(answer for answer in answers if answer and answer.status_code == status)


def answered(raw: bytes) -> httpx.Response:
    head_of_answer, _, body = raw.partition(b"\r\n\r\n")
    first, *fields = head_of_answer.decode().split("\r\n")
    headers = [(name, value) for name, _, value in (field.partition(": ") for field in fields)]
    return httpx.Response(int(first.split()[1]), headers=headers, content=body)


POST = (f"POST {QUEUES} HTTP/1.1", "Content-Type: application/json")


def test_a_body_that_says_that_it_is_too_large_is_not_read(client: httpx.Client) -> None:
    told = problem(client.post(QUEUES, json={"name": "x" * 5000}), 413, "too_large")
    assert "4096" in told["detail"]


def test_a_body_that_turns_out_too_large_is_refused(client: httpx.Client) -> None:
    pieces = (b" " * 1000 for _ in range(6))
    headers = {"Content-Type": "application/json"}
    problem(client.post(QUEUES, content=pieces, headers=headers), 413, "too_large")


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"[]," * MOST_VALUES + b"0]",
        b"[" + b"0," * MOST_VALUES + b"0]",
        b"[" + b'"\\\\","\\",",' * (MOST_VALUES // 2) + b"0,0]",
        b"{" + b'"[":1,' * MOST_VALUES + b'"":0}',
        b"," * (MOST_VALUES + 1) + b'"' * (5 * MOST_VALUES),
    ],
)
def test_a_body_of_too_many_values_is_refused(served: Served, body: bytes) -> None:
    with client_of(served) as client:
        answer = client.post(QUEUES, content=body, headers={"Content-Type": "application/json"})
        assert "100000 values" in problem(answer, 413, "too_large")["detail"]


def test_what_stands_in_a_text_is_no_value_of_a_body(served: Served) -> None:
    text = ',[{\\",' * (2 * MOST_VALUES)
    with client_of(served) as client:
        answer = client.post(QUEUES, json={"name": text})
        assert "100000 values" not in problem(answer, 422, "config_invalid")["detail"]


@pytest.mark.parametrize("path", ["/queues", "/queues/check", "/queues/q/launches", "/jobs/j"])
@pytest.mark.parametrize("number", ["9" * 101, "-" + "9" * 4299, "9" * 5000, "0." + "1" * 5000])
def test_a_number_of_more_digits_than_anybody_means_is_refused_wherever_it_is_sent(
    served: Served, path: str, number: str
) -> None:
    body = rf'{{"text": "\\", "other": "\"", "config": {{"a": [1, {number}]}}}}'
    with client_of(served) as client:
        at = QUEUES.removesuffix("/queues") + path
        answer = client.post(at, content=body, headers={"Content-Type": "application/json"})
        told = problem(answer, 422, "config_invalid")
        assert told["detail"] == "the body has a number of more than 100 digits"
        assert "quotes" in told["hint"]


def test_digits_in_a_text_and_a_number_of_256_bits_are_kept(served: Served) -> None:
    config = {"a": ["9" * 5000, f'\\"{"9" * 5000}', 2**256 - 1, -(10**99 - 1), 1e308]}
    with client_of(served) as client:
        made = client.post(QUEUES, json={**SPEC, "name": "long-digits", "config": config})
        assert made.status_code == 201, made.text
        assert made.json()["spec"]["config"] == config
        assert client.delete(f"{QUEUES}/long-digits").is_success


@pytest.mark.parametrize("verb", ["check", "parse"])
def test_a_config_of_too_many_values_is_looked_at_no_further(served: Served, verb: str) -> None:
    for config in ({"a": [0] * 20_001}, {"a": "http://" * 600_000}):
        with client_of(served) as client:
            told = client.post(f"{QUEUES}/{verb}", json={**SPEC, "config": config})
            assert "more than 20000 values" in problem(told, 422, "config_invalid")["detail"]


def test_who_sends_much_at_once_is_told_and_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    with served_with(Door(), tmp_path) as served, ExitStack() as stack:
        url = httpx.URL(served.url)
        token = f"Authorization: Bearer {str.__str__(served.tokens['ann'])}"
        head = "\r\n".join((*POST, f"Content-Length: {LONG_BODY + 1}", token, "Host: here"))
        for _ in range(BODIES):
            peer = stack.enter_context(socket.create_connection((url.host, url.port or 0), 60))
            peer.sendall(head.encode() + b"\r\n\r\n{")
        long = {"name": "x" * LONG_BODY}
        with client_of(served) as client, client_of(served, "bob") as bob:
            answer = until_told(lambda: client.post(QUEUES, json=long), 503)
            assert "4 long bodies" in problem(answer, 503, "unreachable")["detail"]
            assert answer.headers["retry-after"] == "1"
            problem(client.post(QUEUES, json={"name": "x"}), 422, "config_invalid")
            assert bob.post(QUEUES, json=long).status_code in {403, 422}


@pytest.mark.parametrize(
    "size",
    [
        f"Content-Length: {LONG_BODY + 1}",
        "Transfer-Encoding: chunked",
        "Content-Length: 40\r\nContent-Encoding: gzip",
    ],
)
def test_nothing_long_is_read_of_who_proves_nothing(tmp_path: Path, size: str) -> None:
    with served_with(Door(), tmp_path) as served:
        url = httpx.URL(served.url)
        for token in ("lk_nobody", ""):
            head = [
                *POST,
                size,
                *([f"Authorization: Bearer {token}"] if token else []),
                "Host: here",
            ]
            with socket.create_connection((url.host, url.port or 0), 60) as peer:
                peer.sendall("\r\n".join(head).encode() + b"\r\n\r\n")  # and never a body
                told = answered(b"".join(iter(lambda: peer.recv(65536), b"")))
            problem(told, 401, "unauthenticated")
        with client_of(served) as client:
            problem(client.post(QUEUES, json={"name": "x" * LONG_BODY}), 422, "config_invalid")


def test_a_body_that_stops_coming_is_refused(tmp_path: Path) -> None:
    with served_with(Door(limits=HASTY), tmp_path) as served:
        problem(answered(spoken(served, *POST, "Content-Length: 100")), 408, "too_slow")


def test_half_a_body_changes_nothing(small: Served, client: httpx.Client) -> None:
    assert spoken(small, *POST, "Content-Length: 100", end=True) == b""
    assert client.get(QUEUES).json() == []
    assert client.get("/readyz").is_success


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 422), (b"{", 422), (b"[]", 422), (b"\xff\xfe", 422), (b'{"name": 1}', 422),
     (b'{"name":"q","resource":"local-process","nonsense":1}', 422), (b"[" * 4000, 422)],
)  # fmt: skip
def test_a_wrong_body_is_told(client: httpx.Client, body: bytes, status: int) -> None:
    answer = client.post(QUEUES, content=body, headers={"Content-Type": "application/json"})
    problem(answer, status, "config_invalid")


def test_a_body_may_come_compressed(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps(SPEC).encode())
    assert client.post(QUEUES, content=packed, headers=headers).status_code == 201
    problem(client.post(QUEUES, content=packed[:-9], headers=headers), 400, "bad_request")
    problem(client.post(QUEUES, content=b"{}", headers=headers), 400, "bad_request")


def test_a_small_body_that_unpacks_to_a_large_one_is_refused(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    bomb = gzip.compress(b" " * 10**6)
    assert len(bomb) < LIMITS.body
    problem(client.post(QUEUES, content=bomb, headers=headers), 413, "too_large")


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "text/plain"}, {"Content-Type": ""},
     {"Content-Type": "application/json", "Content-Encoding": "br"}],
)  # fmt: skip
def test_a_body_of_another_kind_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    problem(client.post(QUEUES, content=b"{}", headers=headers), 415, "wrong_type")


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/nowhere", 404, "no_such_address"),
    ("PATCH", QUEUES, 405, "method_not_allowed"),
    ("GET", f"{QUEUES}/x", 404, "not_found"),
])  # fmt: skip
def test_what_is_not_there_is_a_problem_too(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    problem(answer, status, code)
    assert (status == 405) == ("allow" in answer.headers)


def test_a_request_keeps_the_id_that_it_came_with(client: httpx.Client) -> None:
    answer = client.get("/nowhere", headers={"X-Request-Id": "mine-1"})
    assert problem(answer, 404, "no_such_address")["instance"] == "mine-1"
    strange = client.get("/nowhere", headers={"X-Request-Id": "a b"})
    assert strange.headers["x-request-id"] != "a b"


def test_a_long_answer_is_compressed_for_those_who_can_read_that(client: httpx.Client) -> None:
    for number in range(20):
        client.post(QUEUES, json={**SPEC, "name": f"queue-{number}"})
    packed = client.get(QUEUES, headers={"Accept-Encoding": "gzip"})
    plain = client.get(QUEUES, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()


def test_one_who_asks_too_often_is_told_when_to_come_back(tmp_path: Path) -> None:
    with (
        served_with(Door(limits=Limits(requests_per_second=1 / PATIENCE)), tmp_path) as served,
        client_of(served) as ann,
        client_of(served, "bob") as bob,
    ):
        answers = [ann.get(QUEUES) for _ in range(2)]
        assert answers[0].is_success
        told = problem(answers[-1], 429, "too_many_requests")
        assert 0 < told["retry_after"] <= int(answers[-1].headers["retry-after"]) + 1
        assert bob.get(QUEUES).is_success
        assert ann.get("/livez").is_success


def test_a_rate_is_whole_again_after_a_while() -> None:
    now = [0.0]
    rates = Rates(per_second=2.0, clock=lambda: now[0])
    early = [rates.early(b"ann") for _ in range(22)]
    assert early[:21] == [0.0] * 21
    assert early[21] == 0.5
    now[0] += 0.5
    assert rates.early(b"ann") == 0.0
    assert rates.early(b"ann") > 0


def test_the_service_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.private_key_pem.write_to_path(key)
    for pem in made.cert_chain_pems:
        pem.write_to_path(cert, append=True)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with (
        served_with(Door(tls_cert=cert, tls_key=key), tmp_path) as served,
        client_of(served, verify=context) as client,
    ):
        assert served.url.startswith("https://")
        assert client.get(QUEUES).is_success


@pytest.mark.parametrize(("trusted", "statuses"), [((), [200, 429]), (("127.0.0.0/8",), [200])])
def test_only_a_trusted_proxy_says_where_a_request_is_from(
    tmp_path: Path, trusted: tuple[str, ...], statuses: list[int]
) -> None:
    door = Door(limits=Limits(requests_per_second=1 / PATIENCE), trusted_proxies=trusted)
    with (
        served_with(door, tmp_path) as served,
        httpx.Client(base_url=served.url, timeout=PATIENCE) as client,
    ):
        answers = [
            client.get("/api/v1/openapi.json", headers={"X-Forwarded-For": f"10.0.0.{number}"})
            for number in range(6)
        ]
    assert sorted({answer.status_code for answer in answers}) == statuses


@pytest.mark.parametrize(
    "said",
    [
        "203.0.113.8:{}",
        "[2001:db8::8]:{}",
        "[2001:db8:0:1::{}]",
        "unknown{}",
        "203.0.113.8:{}:",
        "",
    ],
)
def test_who_a_proxy_names_with_a_port_or_another_word_has_one_rate(
    tmp_path: Path, said: str
) -> None:
    limits = Limits(requests_per_second=1 / PATIENCE)
    door = Door(limits=limits, trusted_proxies=("127.0.0.0/8",))
    with (
        served_with(door, tmp_path) as served,
        httpx.Client(base_url=served.url, timeout=PATIENCE) as client,
    ):
        answers = [
            client.get("/api/v1/openapi.json", headers={"X-Forwarded-For": said.format(port)})
            for port in range(2000, 2006)
        ]
    assert answers[-1].status_code == 429


@pytest.mark.parametrize(
    ("trusted", "last"), [((), 429), (("127.0.0.0/8",), 401)], ids=["one address", "many addresses"]
)
def test_who_guesses_tokens_has_one_rate_for_all_of_them(
    tmp_path: Path, trusted: tuple[str, ...], last: int
) -> None:
    door = Door(limits=Limits(requests_per_second=0.2), trusted_proxies=trusted)
    with served_with(door, tmp_path) as served, client_of(served) as ann:
        assert ann.get(QUEUES).is_success
        with httpx.Client(base_url=served.url, timeout=PATIENCE) as guesser:
            answers = [
                guesser.get(
                    QUEUES,
                    headers={"Authorization": f"Bearer lk_{n}", "X-Forwarded-For": f"10.0.0.{n}"},
                )
                for n in range(40)
            ]
        assert answers[0].status_code == 401
        assert answers[-1].status_code == last
        assert ann.get(QUEUES).is_success


@pytest.mark.parametrize(
    ("path", "headers", "first"),
    [
        (QUEUES, {"content-type": "text/plain"}, 415),
        (f"/api/v1/{'a' * 5000}", {}, 414),
        (f"{QUEUES}?token=lk_x", {}, 400),
        (QUEUES, {"host": "a b"}, 400),
        (QUEUES, {"launchkit-protocol": "99"}, 422),
    ],
    ids=["content-type", "path", "query", "host", "protocol"],
)
def test_what_is_refused_by_its_head_counts_as_well(
    tmp_path: Path, path: str, headers: dict[str, str], first: int
) -> None:
    door = Door(limits=Limits(requests_per_second=0.2))
    with served_with(door, tmp_path) as served:
        with httpx.Client(base_url=served.url, timeout=PATIENCE) as guesser:
            told = [
                guesser.post(
                    path, content="{", headers={"authorization": f"Bearer lk_{number}", **headers}
                ).status_code
                for number in range(4)
            ]
        assert told == [first, first, first, 429]


def test_a_token_has_a_rate_of_its_own_from_when_it_was_proved_until_it_counts_no_more() -> None:
    askers = Askers(rates=Rates(per_second=2.0, clock=lambda: 0.0))
    token = (b"authorization", b"Bearer lk_ann")
    ann = {
        "type": "http",
        "path": QUEUES,
        "client": ("10.0.0.1", 1),
        "headers": [token],
        "state": {PROVED: b"ann"},
    }
    guess = {**ann, "state": {}, "headers": [(b"authorization", b"Bearer lk_guess")]}
    askers.answered(ann, 200)
    for _ in range(21):
        askers.answered(guess, 401)
    assert askers.early(guess) > 0
    assert askers.early(ann) == 0.0
    askers.answered(ann, 401)
    assert askers.early(ann) > 0


def test_all_spellings_and_sessions_of_one_who_asks_share_a_rate() -> None:
    askers = Askers(rates=Rates(per_second=2.0, clock=lambda: 0.0))
    request = {"type": "http", "path": QUEUES, "client": ("10.0.0.1", 1)}

    def asked(number: int, words: bytes, state: dict[str, bytes]) -> dict[str, object]:
        token = b"Bearer" + b" " * (number + 1) + words
        return {**request, "headers": [(b"authorization", token)], "state": state}

    ben = asked(1, b"lk_ben", {PROVED: b"ben"})
    askers.answered(ben, 200)
    for number in range(MANY + 1):
        askers.answered(asked(number, b"lk_ann", {PROVED: b"ann"}), 200)
        askers.answered(asked(1, b"session-%d" % number, {PROVED: b"ann"}), 200)
    assert askers.early(asked(5, b"lk_new", {})) == 0.0
    assert askers.early(asked(3, b"session-%d" % MANY, {})) > 0
    assert askers.early(ben) == 0.0


def test_a_header_that_no_page_looks_at_pays_for_no_guess(tmp_path: Path) -> None:
    door = Door(limits=Limits(requests_per_second=0.2))
    with served_with(door, tmp_path) as served, client_of(served) as ann:
        assert ann.get(QUEUES).is_success
        told = [
            ann.get("/sign-in", headers={"Cookie": f"launchkit_session=lk_{n}"}).status_code
            for n in range(40)
        ]
        assert told[0] == 200
        assert told[-1] == 429
        assert ann.get(QUEUES).is_success


def test_a_thousand_idle_connections_are_in_nobodys_way(
    small: Served, client: httpx.Client
) -> None:
    url = httpx.URL(small.url)
    with ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(socket.create_connection((url.host, url.port or 0), 60))
        assert client.get(QUEUES).is_success


LONG = "x" * 513


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/items?name=*{LONG}", None),
        ("GET", f"/items?author={LONG}", None),
        ("GET", f"/items?after={2 * LONG}", None),
        ("GET", f"/item?ref={LONG}", None),
        ("GET", f"/job?reference={LONG}", None),
        ("GET", f"/queues/{LONG}", None),
        ("POST", "/items/changes", {"filter": {"name": LONG}, "change": {"kind": "stop"}}),
        ("POST", "/items/x/changes", {"kind": "move", "queue": LONG}),
        ("POST", "/agent-tokens", {"agent": "box", "queues": [LONG]}),
        ("POST", "/agent/over", {"attempts": {LONG: 1}}),
    ],
)
def test_a_name_or_a_pattern_that_is_too_long_is_refused_with_its_place(
    client: httpx.Client, method: str, path: str, body: dict[str, Any] | None
) -> None:
    answer = client.request(method, f"/api/v1/entities/test{path}", json=body)
    told = problem(answer, 422, "config_invalid")
    assert "512" in told["detail"]
    assert LONG not in answer.text


def test_a_page_of_a_list_begins_also_behind_the_longest_name(client: httpx.Client) -> None:
    base, author = "/api/v1/entities/test", "ö" * 512
    client.post(f"{base}/queues", json=SPEC)
    spec = {"recipe": {"source": {"kind": "image", "image": "x"}}, "author": author}
    for _ in range(2):
        assert client.post(f"{base}/queues/q/launches", json={"spec": spec}).is_success
    wanted = {"order": "author", "limit": 1}
    (first,) = client.get(f"{base}/items", params=wanted).json()
    behind = client.get(f"{base}/items", params={**wanted, "after": first["cursor"]})
    (second,) = behind.json()
    assert first["item"]["id"] != second["item"]["id"]
