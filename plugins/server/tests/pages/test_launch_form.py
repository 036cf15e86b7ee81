"""The form for a launch, and the pages of people and jobs, without a browser."""

import html
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from launchkit_server.door import Door

from ..browsing import Browser
from ..conftest import Served, client_of, served_with
from ..over_http import client_in
from ..sent_forms import untouched

JOB = {
    "source": {"kind": "git", "remote": "https://git.example/train.git", "commit": "a" * 40},
    "entry_point": ["python", "train.py"],
    "config": {"lr": 0.1},
    "input_schema": {"properties": {"lr": {"type": "number", "minimum": 0}}},
}
VARIABLES = {
    "instance": {"type": "string", "enum": ["small", "large"]},
    "count": {"type": "integer", "minimum": 1, "maximum": 8, "default": 2},
    "hf_token": {"type": "string", "default": "hush of the queue"},
    "door_password": {"type": "string", "enum": ["hush-one", "hush-two"], "default": "hush-one"},
}
ENV = {
    "INSTANCE": "{{instance}}",
    "COUNT": "{{count}}",
    "HF_TOKEN": "{{hf_token}}",
    "PLAIN": "{{hf_token}}",
    "DOOR": "open {{door_password}}",
}
CONFIG = {"env": {**ENV, "API_TOKEN": "of the queue"}}
ASKED = {"act": "launch", "queue": "gpu", "kind": "job", "job": "fit", "var:instance": "large"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with a job and a queue that leaves two things open."""
    with served_with(Door(), tmp_path_factory.mktemp("served")) as served:
        with client_in(served, "e") as client:
            client.post("/jobs/fit", json={"recipe": JOB})
            queue = {"name": "gpu", "resource": "local-process", "config": CONFIG}
            assert client.post("/queues", json={**queue, "variables": VARIABLES}).is_success
        yield served


def submitter(served: Served) -> httpx.Response:
    """Make bob a submitter and no more."""
    with client_of(served) as client:
        client.delete("/api/v1/entities/*/roles/bob")
        return client.put("/api/v1/entities/e/roles/bob", json={"role": "submitter"})


def spec_of(served: Served, location: str) -> dict[str, Any]:
    with client_in(served, "e") as client:
        found = client.get("/item", params={"ref": location.rsplit("/", 1)[1]}).json()
    spec: dict[str, Any] = found["item"]["spec"]
    return spec


def test_a_launch_is_what_the_fields_say(served: Served, browser: Browser) -> None:
    fields = {"env": "A=1\nHOME", "config": "lr: 0.2", "args": "--fast 'two words'"}
    more = {"var:count": "3", "name": "mine", "timeout_run": "90", "key": "one"}
    sent = browser.post("/e/e/launch", {**ASKED, **fields, **more})
    assert sent.status_code == 303, sent.text
    spec = spec_of(served, sent.headers["location"])
    assert (spec["name"], spec["job"]) == ("mine", "fit:v0")
    assert spec["template_variables"] == {"instance": "large", "count": 3}
    assert spec["overrides"]["env"] == {"A": "1", "HOME": None}
    assert spec["overrides"]["config"] == {"lr": 0.2}
    assert spec["overrides"]["args"] == ["--fast", "two words"]
    assert spec["timeouts"]["run"] == 90


def test_a_form_that_is_sent_twice_launches_once(browser: Browser) -> None:
    first, second = (browser.post("/e/e/launch", {**ASKED, "key": "twice"}) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"var:instance": "medium"}, "must be one of"),
        ({"var:instance": ""}, "needs a value"),
        ({"var:count": "9"}, "must be at most 8"),
        ({"var:count": "many"}, "must be of type integer"),
        ({"config": "a: ["}, "config:1: not valid YAML"),
        ({"env": "=1"}, "line 1: must be NAME=VALUE"),
        ({"entry_point": "python 'train"}, "No closing quotation"),
        ({"timeout_run": "soon"}, "could not convert"),
        ({"queue": "none"}, "there is no queue"),
        ({"job": "fitt"}, "there is no job"),
        ({"kind": "image", "image": ""}, "name the image"),
        ({"kind": "git", "uri": "https://git.example/x.git"}, "say what to run"),
        (
            {"kind": "git", "uri": "https://git.example/x.git", "ref": "main", "entry_point": "x"},
            "name the full id of a commit",
        ),
    ],
)
def test_what_is_wrong_is_told_and_what_was_written_stays(
    browser: Browser, changed: dict[str, str], said: str
) -> None:
    answer = browser.post("/e/e/launch", {**ASKED, "name": "kept-name", **changed})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'value="kept-name"' in answer.text


def test_the_preview_tells_each_choice_and_who_made_it(browser: Browser) -> None:
    shown = browser.post("/e/e/launch/preview", {**ASKED, "var:count": "5"}).text
    rows = re.findall(r"<code>(.*?)</code></th><td><code>(.*?)</code></td><td>(\w*)", shown)
    assert ("resource_args.env.INSTANCE", "large", "template") in rows
    assert ("config.lr", "0.1", "job") in rows
    assert "launchkit launch --queue=gpu --job=fit --set-var=instance=large" in shown


def test_the_command_that_launches_the_same_has_empty_arguments_too(browser: Browser) -> None:
    fields = {"kind": "image", "image": "img:1", "queue": "q", "args": "a '' b", "env": "X=1\n\nY="}
    said = html.unescape(browser.post("/e/e/launch/preview", fields).text)
    assert "--arg=a --arg= --arg=b --env=X=1 --env=Y=" in said


def test_a_number_without_end_in_a_config_is_told_in_the_preview(browser: Browser) -> None:
    number = ":".join(["59"] * 5000)
    fields = {**ASKED, "config": f"lr: !!int '1:{number}'"}
    said = html.unescape(browser.post("/e/e/launch/preview", fields).text)
    assert "a number of 15001 digits; put it into quotes" in said


def test_who_may_not_operate_sees_no_secret_of_the_queue_in_the_preview(served: Served) -> None:
    assert submitter(served).is_success
    with Browser(served) as browser:
        browser.sign_in("bob")
        shown = browser.post("/e/e/launch/preview", ASKED).text
        form = browser.get("/e/e/launch?queue=gpu").text
        other = browser.post("/e/e/launch/preview", {**ASKED, "var:door_password": "other"}).text
        chosen = browser.post("/e/e/launch", {**ASKED, "var:door_password": "hush-two"})
        page = browser.get("/e/e/queues/gpu").text + browser.get("/e/e").text
    assert "API_TOKEN" in shown
    assert "of the queue" not in shown
    assert "hf_token" in form
    assert "door_password" in form + page
    assert "must be one of the values that its queue allows" in other
    for text in (shown, form, other, page):
        assert not re.search("hush of the queue|hush-", text)
    assert chosen.status_code == 303, "a choice that is not shown can be given"


def test_a_preview_does_not_tell_whether_a_guess_is_a_secret_of_the_queue(served: Served) -> None:
    secret = "hush-1234"
    config = {"env": {"API_TOKEN": secret, "SAYS": f"at {secret}"}}
    config |= {"builder": {"base_image": f"{secret}/of-queue"}}
    settings = "Uid=hidden;Password=hush-12;Db=x"
    config["env"] |= {"THEIR_TOKEN": settings, "TOLD": f"connect {settings}"}
    queue = {"name": "guessed", "resource": "local-process", "config": config}
    with client_in(served, "e") as client:
        assert client.post("/queues", json=queue).is_success
    assert submitter(served).is_success
    asked = {**ASKED, "queue": "guessed", "args": f"{secret}/args", "env": f"X={secret}/env"}
    asked |= {"resource_args": f"{{env: {{Y: {secret}/own}}, builder: {{cuda: {secret}/cuda}}}}"}
    with Browser(served) as browser:
        browser.sign_in("bob")
        shown = html.unescape(browser.post("/e/e/launch/preview", asked).text)
    assert "at …" in shown
    assert "…/of-queue" in shown
    assert "connect …" in shown
    assert {*re.findall(f"{secret}/(.+?)\\b", shown)} == {"args", "env", "own", "cuda"}


def test_what_a_runner_objects_to_is_told_without_the_secrets_of_the_queue(served: Served) -> None:
    mount = "type=volume,target=/x,volume-opt=o=password=hush-mount,bogus=1"
    queue = {"name": "mounts", "resource": "local-container", "config": {"mount": mount}}
    with client_in(served, "e") as client:
        assert client.post("/queues", json=queue).is_success
    assert submitter(served).is_success
    asked = {"act": "launch", "queue": "mounts", "kind": "image", "image": "img:1"}
    with Browser(served) as browser:
        browser.sign_in("bob")
        for path in ("/e/e/launch/preview", "/e/e/launch"):
            said = browser.post(path, asked).text
            assert "bogus" in said
            assert "hush-mount" not in said


def test_a_launch_again_into_a_queue_without_the_variable_leaves_it_out(
    served: Served, browser: Browser
) -> None:
    first = browser.post("/e/e/launch", {**ASKED, "key": "first"}).headers["location"]
    again = {"again": first.rsplit("/", 1)[1], "kind": "same", "queue": "q", "key": "again"}
    sent = browser.post("/e/e/launch", {**again, "act": "launch", "var:instance": "large"})
    assert sent.status_code == 303, sent.text
    assert spec_of(served, sent.headers["location"])["template_variables"] == {}


def _again(served: Served, browser: Browser, queue: str, **spec: Any) -> Callable[..., Any]:
    """A launch over HTTP, and how its form is sent as a browser does it: with what it shows."""
    with client_in(served, "e") as client:
        body = {"spec": {"recipe": JOB, **spec}}
        made = client.post(f"/queues/{queue}/launches", json=body)
    assert made.is_success, made.text
    ref = made.json()["id"]
    shown = untouched(browser.get(f"/e/e/launch?again={ref}").text, "launch")

    def send(**changed: str) -> Any:
        sent = browser.post("/e/e/launch", {**shown, "act": "launch", **changed})
        assert sent.status_code == 303, sent.text
        return spec_of(served, sent.headers["location"])

    return send


def test_what_is_launched_again_unchanged_is_what_it_was(served: Served, browser: Browser) -> None:
    env = {"X": "p\nq", "Y": " z ", "Q": '"quoted"', "E": "", "HOME": None, "R": "a\rb\u2028c"}
    overrides = {"args": ["-v", "m=a\nb", "", "l1\nl2", "r\r"], "env": env}
    send = _again(served, browser, "q", overrides=overrides)
    assert send()["overrides"].items() >= overrides.items()


def test_what_stands_beside_a_change_is_what_it_was(served: Served, browser: Browser) -> None:
    overrides = {"args": ["a\nb", ""], "env": {"X": "p\nq", "Y": " z "}}
    send = _again(served, browser, "q", overrides=overrides)
    now = send(key="beside", args="'a\r\nb' '' more", env='X="p\\nq"\r\nY=" z "\r\nZ=1')
    assert now["overrides"]["args"] == ["a\nb", "", "more"]
    assert now["overrides"]["env"] == {"X": "p\nq", "Y": " z ", "Z": "1"}


def test_an_odd_value_of_a_variable_is_kept_and_can_be_chosen(
    served: Served, browser: Browser
) -> None:
    variables = {
        "odd": {"type": "string", "enum": ["", " padded ", "x"]},
        "text": {"type": "string"},
    }
    config = {"env": {"A": "{{odd}}", "B": "{{text}}"}}
    queue = {"name": "odd", "resource": "local-process", "config": config, "variables": variables}
    with client_in(served, "e") as client:
        assert client.post("/queues", json=queue).is_success
    values = {"odd": " padded ", "text": " two\nlines"}
    send = _again(served, browser, "odd", template_variables=values)
    assert send()["template_variables"] == values
    assert send(key="empty", **{"var:odd": '""'})["template_variables"]["odd"] == ""
    page = html.unescape(browser.get("/e/e/launch?queue=odd").text)
    assert 'one of "", " padded ", x' in page


def test_what_was_written_is_kept_for_who_comes_back_and_shown_again(browser: Browser) -> None:
    page = browser.get("/e/e/launch?queue=gpu").text
    kept_for = re.search(r'<form id="launch"[^>]* data-draft="(\w+)"', page)
    assert kept_for is not None
    fields = {**untouched(page, "launch"), "name": "kept", "config": "lr: 0.3", "var:count": "4"}
    again = browser.post("/e/e/launch", {**fields, "do": kept_for[1]})
    assert again.status_code == 200
    shown = untouched(again.text, "launch")
    del shown["csrf"], fields["csrf"]
    assert shown == fields


def test_a_job_tells_what_may_be_put_into_it(browser: Browser) -> None:
    page = browser.get("/e/e/jobs/fit").text
    assert "at least 0" in page
    assert "python train.py" in page
    assert browser.get("/e/e/jobs/none").status_code == 404


def test_agents_that_nobody_knows_are_told_as_such(browser: Browser) -> None:
    assert browser.post("/e/e/agents/none", {"kind": "drain"}).status_code == 404
    assert browser.post("/e/e/agents/none", {"kind": "explode"}).status_code == 422


def test_pages_of_people_are_for_administrators_of_all_entities(served: Served) -> None:
    assert submitter(served).is_success
    with Browser(served) as browser:
        browser.sign_in("bob")
        for page in ("users", "roles", "tokens", "webhooks", "audit"):
            assert browser.get(f"/settings/{page}").status_code == 403
        assert browser.post("/settings/users", {"act": "add", "name": "eva"}).status_code == 403
        assert browser.get("/settings").status_code == 200


def test_a_token_is_made_for_as_long_as_was_chosen(served: Served, browser: Browser) -> None:
    made = browser.post("/settings/tokens", {"owner": "cat", "days": "30"})
    assert {"HttpOnly", "Path=/settings/tokens"} <= {*made.headers["set-cookie"].split("; ")}
    shown = made.headers["location"]
    assert "lk_u" not in shown
    found = re.search(r'id="secret">(lk_u\w+)<', browser.get(shown).text)
    assert found is not None
    again = browser.get(shown).text
    assert "Its secret was shown once" in again
    assert found[1] not in again
    assert browser.post("/settings/tokens", {"owner": "cat", "days": "9999"}).status_code == 422
    with client_of(served) as client:
        until = [one["expires_at"] for one in client.get("/api/v1/tokens").json()]
    in_days = {round((one - time.time()) / 86400) for one in until if one is not None}
    assert 30 in in_days


def test_a_launch_that_is_too_long_for_a_form_is_told_with_the_way_to_launch_it_again(
    served: Served, browser: Browser
) -> None:
    with client_in(served, "e") as client:
        spec = {"recipe": JOB, "overrides": {"config": {"a": "x" * 10**5}}}
        made = client.post("/queues/q/launches", json={"spec": spec})
    page = browser.get(f"/e/e/launch?again={made.json()['id']}")
    assert page.status_code == 422
    assert "a form 100000 at most" in page.text
    assert "launchkit requeue puts it back" in page.text
