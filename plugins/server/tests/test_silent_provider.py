"""A provider of identities that does not answer, or not as one."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest
from launchkit_server.door import Door
from launchkit_server.oidc.attempts import Attempt
from launchkit_server.oidc.provider import Provider
from launchkit_server.oidc.settings import HINT, OidcSettings
from launchkit_server.shares import EXCHANGES
from saying import saying
from waiting import until

from launchkit.aio.bounded_answers import MOST_BEFORE_BODY
from launchkit.errors import Unreachable

from .browsing import Browser
from .conftest import Served, served_with
from .identity_provider import CLIENT

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@contextmanager
def silent_provider() -> Iterator[tuple[str, list[socket.socket]]]:
    """Its URL, and who has come: the first gets no answer, all others are turned away."""
    came: list[socket.socket] = []

    def take() -> None:
        while True:
            try:
                came.append(made.accept()[0])
            except OSError:
                return
            if len(came) > 1:
                came[-1].close()

    with socket.create_server(("127.0.0.1", 0)) as made:
        taking = threading.Thread(target=take)
        taking.start()
        try:
            yield f"http://127.0.0.1:{made.getsockname()[1]}", came
        finally:
            made.shutdown(socket.SHUT_RDWR)
            taking.join()


def served_by(issuer: str, folder: Path) -> Iterator[Served]:
    provider = Provider(OidcSettings(issuer=issuer, client_id=CLIENT))
    return served_with(Door(), folder, oidc=provider)


def test_all_who_wait_for_a_silent_provider_share_what_comes_of_asking_it(tmp_path: Path) -> None:
    with (
        silent_provider() as (url, came),
        served_by(url, tmp_path) as served,
        Browser(served) as browser,
        ThreadPoolExecutor(EXCHANGES) as threads,
    ):
        asked = [threads.submit(browser.get, "/sign-in/oidc") for _ in range(EXCHANGES)]
        assert served.portal is not None
        under_way = served.service.exchanges._of
        served.portal.call(until, lambda: under_way.total() == EXCHANGES and len(came) == 1)
        assert browser.get("/sign-in").is_success, "a token signs in meanwhile"
        came[0].close()
        assert [one.result().status_code for one in asked] == [503] * EXCHANGES
        assert len(came) == 2, "all but the first share the second look"


def test_what_is_wrong_with_a_provider_is_for_the_log_and_not_for_strangers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served_by("http://127.0.0.1:9", tmp_path) as served, Browser(served) as browser:
        answer = browser.get("/sign-in/oidc")
    assert answer.status_code == 503
    assert "nobody can sign in by 127.0.0.1:9 now" in answer.text
    assert HINT in answer.text
    assert "connection" not in answer.text.lower()
    (told,) = (one for one in caplog.messages if "signing in by the provider" in one)
    assert "connection attempts failed" in told


@pytest.mark.parametrize(
    ("begins", "piece", "most"),
    [(b"", b"HTTP/1.1 100 \r\n\r\n", MOST_BEFORE_BODY), (CHUNKED, b"1\r\nx\r\n", 50_000)],
    ids=["answers to come", "chunks"],
)
async def test_of_a_provider_that_goes_on_and_on_little_is_read(
    monkeypatch: pytest.MonkeyPatch, begins: bytes, piece: bytes, most: int
) -> None:
    monkeypatch.setattr("launchkit_server.oidc.provider.MAX_ANSWER", 50_000)
    async with saying(chain([begins], repeat(piece * 1000))) as place:
        provider = Provider(OidcSettings(issuer=f"http://{place}", client_id=CLIENT))
        with pytest.raises(Unreachable, match=f"more than {most} bytes came"):
            await provider.address(Attempt.new("/"), "http://127.0.0.1/done")
