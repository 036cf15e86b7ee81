"""However large a queue, a job or a launch is, others are answered while a page of it is made."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from launchkit_server.door import Door

from launchkit.model import Secret

from .browsing import Browser
from .conftest import Served, served_with
from .over_http import RECIPE, claimed, client_in

ENOUGH_SECONDS = 0.25
"""Of the processor's time for what keeps others waiting: to look one through takes more."""
OF_SECRETS = "curl -u a:b x=https://u:p@h/ --token=z name: y " * 4
PAGES = (
    *("", "/queues", "/queues/large", "/queues/large?tab=config", "/queues/large/edit"),
    *("/jobs", "/jobs/j", "/launch?job=j&queue=large", "/launch?again={item}", "/launches"),
    *("/launches/{item}", "/launches/{item}?tab=request", "/launches/{item}?tab=history"),
)


def large(many: int) -> dict[str, str]:
    return {f"KEY{number}": OF_SECRETS for number in range(many)}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with a large queue, a large job and a large launch."""
    with served_with(Door(), tmp_path_factory.mktemp("served")) as served:
        with client_in(served, "e") as client:
            recipe = {**RECIPE, "config": large(2_000), "env": large(2_000)}
            queue = {"name": "large", "resource": "local-process", "config": {"env": large(2_000)}}
            for path, body in (
                ("/jobs/j", {"recipe": recipe}),
                ("/queues", queue),
                ("/queues/q/launches", {"spec": {"recipe": recipe}}),
            ):
                assert client.post(path, json=body).is_success
            claimed(client).reports("building", resolved={"resource_args": large(2_000)})
        yield served


@pytest.fixture(params=["admin", "viewer"])
def browser(served: Served, request: pytest.FixtureRequest) -> Iterator[Browser]:
    """One who sees all, and one who sees no secrets of queues."""
    role: str = request.param
    with client_in(served, "e") as client:
        client.post(f"{served.url}/api/v1/users", json={"name": role, "kind": "user"})
        client.put(f"/roles/{role}", json={"role": role})
        made = client.post(f"{served.url}/api/v1/tokens", json={"owner": role}).json()
    with Browser(replace(served, tokens={role: Secret(made["secret"])})) as browser:
        browser.sign_in(role)
        yield browser


def spent(served: Served) -> float:
    """How long the processor was at what keeps all others waiting."""
    assert served.portal is not None
    return served.portal.call(time.thread_time)


def test_a_page_of_something_large_is_made_beside_all_that_is_answered(
    served: Served, browser: Browser
) -> None:
    with client_in(served, "e") as client:
        item = client.get("/items").json()[0]["item"]["id"]
    for page in PAGES:
        began = spent(served)
        answer = browser.get(f"/e/e{page.format(item=item)}")
        assert spent(served) - began < ENOUGH_SECONDS, page
        assert answer.status_code in {200, 403}, page


def test_a_launch_of_something_large_is_previewed_beside_all_that_is_answered(
    served: Served, browser: Browser
) -> None:
    asked = {"csrf": browser.csrf(), "kind": "job", "job": "j", "queue": "large"}
    began = spent(served)
    assert browser.client.post("/e/e/launch/preview", data=asked).status_code in {200, 403}
    assert spent(served) - began < ENOUGH_SECONDS
