"""However long a text in a form is, all others are answered while it is read."""

import time
from collections.abc import Iterator

import httpx
import pytest
from launchkit_server.door import Door
from launchkit_server.web.launch_fields import LONGEST, LONGEST_SENT
from sampling import EACH_NTH

from .browsing import Browser
from .conftest import Served, served_with
from .over_http import RECIPE, claimed, client_in, launched
from .test_fuzz_pages import FIELDS, FORMS

ENOUGH_SECONDS = 0.25
"""Of the processor's time for what keeps others waiting; to read a form takes it elsewhere."""
MOST = 240_000
"""Letters of a form, of which some come as three."""
FILLINGS = ("ab ", "a\n", "'", "[")
LINES = "".join(f"a{number}: {number}\n" for number in range(100_000))
LAUNCHES = ("/e/e/launch", "/e/e/launch/preview")
TEXTS = ("entry_point", "args", "env", "config", "resource_args", "timeout_run", "var:x", "name")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with a queue, a job and a launch."""
    with served_with(Door(), tmp_path_factory.mktemp("served")) as served:
        with client_in(served, "e") as client:
            client.post("/jobs/j", json={"recipe": RECIPE})
            launched(client)
            claimed(client)
        yield served


@pytest.fixture(scope="module")
def browser(served: Served) -> Iterator[Browser]:
    with Browser(served) as browser:
        browser.sign_in()
        yield browser


@pytest.fixture(scope="module")
def usual(served: Served, browser: Browser) -> dict[str, str]:
    """What is sent in all fields but one."""
    with client_in(served, "e") as client:
        item = client.get("/items").json()[0]["item"]["id"]
    fields = {name: values[0].format(id=item) for name, values in FIELDS.items()}
    return {**fields, "again": "", "kind": "job", "priority": "", "csrf": browser.csrf()}


def sent(
    served: Served, browser: Browser, path: str, fields: dict[str, str]
) -> tuple[httpx.Response, float]:
    """The answer to a form, and for how long it kept others waiting."""
    assert served.portal is not None
    began = served.portal.call(time.thread_time)
    answer = browser.client.post(path.format(id=fields["id"]), data=fields)
    return answer, served.portal.call(time.thread_time) - began


@pytest.mark.parametrize("path", LAUNCHES)
@pytest.mark.parametrize("name", TEXTS)
def test_a_long_text_of_a_launch_is_read_beside_all_that_is_answered(
    served: Served, browser: Browser, usual: dict[str, str], path: str, name: str
) -> None:
    room = LONGEST_SENT - 10_000
    texts = (*(one * (room // len(one)) for one in FILLINGS), LINES[:room])
    for text in texts[TEXTS.index(name) % EACH_NTH :: EACH_NTH]:
        answer, seconds = sent(served, browser, path, {**usual, name: text})
        assert answer.status_code in {200, 303, 422}, answer.text[:2000]
        assert seconds < ENOUGH_SECONDS, (text[:20], answer.status_code)


@pytest.mark.parametrize("name", ["entry_point", "args"])
def test_words_that_are_too_long_are_told_at_their_field(
    served: Served, browser: Browser, usual: dict[str, str], name: str
) -> None:
    answer, _ = sent(served, browser, LAUNCHES[0], {**usual, name: "x" * (LONGEST + 1)})
    assert answer.status_code == 422
    assert f"has {LONGEST + 1} characters, and words may have {LONGEST} together" in answer.text
    answer, seconds = sent(served, browser, LAUNCHES[1], {**usual, name: "[" * LONGEST})
    assert "characters, and words may have" not in answer.text
    assert seconds < ENOUGH_SECONDS


@pytest.mark.parametrize("path", LAUNCHES)
def test_a_form_for_a_launch_that_is_too_long_is_told_with_another_way(
    served: Served, browser: Browser, usual: dict[str, str], path: str
) -> None:
    answer, _ = sent(served, browser, path, {**usual, "args": "x " * (LONGEST_SENT // 2)})
    assert answer.status_code == 422
    assert f"{LONGEST_SENT} at most" in answer.text
    assert "launchkit launch --help" in answer.text


def test_a_command_that_no_system_takes_is_not_shown(
    served: Served, browser: Browser, usual: dict[str, str]
) -> None:
    short, _ = sent(served, browser, LAUNCHES[1], {**usual, "args": "x" * 100})
    assert "launchkit launch" in short.text
    long, _ = sent(served, browser, LAUNCHES[1], {**usual, "args": "x" * LONGEST})
    assert long.is_success
    assert "launchkit launch" not in long.text


@pytest.mark.long
@pytest.mark.parametrize("path", FORMS)
def test_no_field_of_any_form_keeps_others_waiting(
    served: Served, browser: Browser, usual: dict[str, str], path: str
) -> None:
    fields = [*enumerate([*FIELDS, "resource_args", "var.x.type", "var.x.enum"])]
    for number, name in fields[FORMS.index(path) % EACH_NTH :: EACH_NTH]:
        filling = FILLINGS[number % len(FILLINGS)]
        text = filling * (MOST // len(filling) // (3 if filling in "[\n'" else 2))
        try:
            answer, seconds = sent(served, browser, path, {**usual, name: text})
        except httpx.InvalidURL:  # it leads on to an address that has the text in it
            continue
        assert answer.status_code != 413
        assert seconds < ENOUGH_SECONDS, (name, filling, answer.status_code)
