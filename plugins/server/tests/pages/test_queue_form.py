"""The form in which queues are made and changed."""

import html
import re
from typing import Any

import httpx
import pytest
import yaml
from launchkit_server.web.comments import has_comments

from ..browsing import Browser
from ..conftest import Served, client_of
from ..sent_forms import untouched

CONFIG = 'env:\n  INSTANCE: "{{aws_instance}}"\nnice: "{{nice}}"\n'
TILES = {
    "var.aws_instance.type": "string",
    "var.aws_instance.enum": "ml.m4.xlarge\r\nml.p3.xlarge",
    "var.nice.type": "integer",
    "var.nice.default": "5",
    "var.nice.minimum": "0",
    "var.nice.maximum": "19",
    "var.nice.pattern": "what was written before it became a number",
}


def _sent(browser: Browser, do: str, at: str = "/e/e/new-queue", **fields: str) -> httpx.Response:
    data = {"name": "q", "resource": "local-process", "config": CONFIG, **TILES, "do": do, **fields}
    return browser.post(at, data)


def _faults(answer: httpx.Response) -> list[str]:
    found = re.findall(r'class="fault"[^>]*>.*?</svg>(.*?)</p>', answer.text, re.DOTALL)
    return [html.unescape(one) for one in found]


def _queue(served: Served, name: str) -> Any:
    with client_of(served) as client:
        return client.get(f"/api/v1/entities/e/queues/{name}").json()["queue"]


def test_a_config_is_parsed_into_a_tile_for_each_of_its_fields(browser: Browser) -> None:
    page = browser.post("/e/e/new-queue", {"do": "parse", "config": CONFIG + "x: '{{cpus}}'"}).text
    assert re.findall(r'data-tile="(\w+)"', page) == ["aws_instance", "nice", "cpus"]
    assert "What a launch may set" in page


def test_what_stands_in_a_tile_stays_when_the_config_is_parsed_again(browser: Browser) -> None:
    page = _sent(browser, "parse", config=CONFIG.replace("{{nice}}", "{{other}}")).text
    assert "ml.m4.xlarge\nml.p3.xlarge</textarea>" in page
    assert re.findall(r'data-tile="(\w+)"', page) == ["aws_instance", "other"]


def test_a_queue_is_made_as_the_form_says(served: Served, browser: Browser) -> None:
    made = _sent(browser, "save", name="made", prioritization="1", max_concurrent="3")
    assert made.headers["location"] == "/e/e/queues/made"
    spec = _queue(served, "made")["spec"]
    assert (spec["prioritization"], spec["max_concurrent"]) == (True, 3)
    assert spec["config"] == {"env": {"INSTANCE": "{{aws_instance}}"}, "nice": "{{nice}}"}
    assert spec["variables"]["aws_instance"]["enum"] == ["ml.m4.xlarge", "ml.p3.xlarge"]
    nice = spec["variables"]["nice"]
    assert (nice["default"], nice["minimum"], nice["maximum"]) == (5, 0, 19)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"config": "env:\n  A: 1\nbad: x"}, "Line 3: bad: unknown key"),
        ({"config": "a: [1\nb: 2"}, "Line 2: not valid YAML"),
        ({"config": '{"nice": 3}\n}'}, "Line 2: not valid YAML"),
        ({"config": "{{key}}: 1"}, "Line 1"),
        ({"config": "nice: {{x}}"}, "a template field must stand in quotes"),
        ({"config": "- a"}, "Line 1: a mapping of keys to values is wanted"),
        ({"var.nice.default": "90"}, "must be at most 19"),
        ({"var.nice.default": "five"}, "must be of type integer, not 'five'"),
        ({"var.nice.minimum": "30"}, "must not be above the maximum 19"),
        ({"var.aws_instance.pattern": "("}, ""),
        ({"name": "no spaces"}, "queue name 'no spaces'"),
        ({"name": ""}, "queue name ''"),
        ({"max_concurrent": "-1"}, "must be a whole number, 0 or more"),
        ({"resource": "moon"}, "no plugin that is installed here runs it"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_told_where_it_stands(
    browser: Browser, fields: dict[str, str], fault: str
) -> None:
    answer = _sent(browser, "save", **fields)
    assert answer.status_code == 422
    (said,) = _faults(answer)
    assert fault in said


def test_all_that_is_wrong_is_told_at_once_with_the_ways_to_it(browser: Browser) -> None:
    wrong = {
        "name": "no spaces",
        "max_concurrent": "-1",
        "var.nice.default": "five",
        "var.nice.minimum": "30",
        "var.nice.enum": "1\r\nmany",
    }
    page = _sent(browser, "save", **wrong).text
    ways = re.findall(r'<li><a href="#([^"]*)">', page)
    assert sorted(ways) == [
        "max_concurrent",
        "name",
        "var.nice.default",
        "var.nice.enum",
        "var.nice.minimum",
    ]
    assert "5 things are wrong below" in page
    assert all(f'id="{one}"' in page for one in ways)


def test_the_way_to_a_line_of_the_config_leads_to_what_is_said_of_it(browser: Browser) -> None:
    page = _sent(browser, "save", config="env:\n  A: 1\nbad: x").text
    assert '<a href="#config-faults">line 3</a>: bad: unknown key' in page


def test_a_name_that_is_taken_is_told_at_its_field(browser: Browser) -> None:
    _sent(browser, "save", name="taken")
    answer = _sent(browser, "save", name="taken")
    assert answer.status_code == 409
    assert _faults(answer) == ["there is a queue 'taken' already"]


def test_a_queue_may_be_made_in_another_entity(served: Served, browser: Browser) -> None:
    made = _sent(browser, "save", name="theirs", owner="other")
    assert made.headers["location"] == "/e/other/queues/theirs"
    with client_of(served) as client:
        assert client.get("/api/v1/entities/other/queues/theirs").is_success


def test_an_editor_is_told_the_lines_that_are_wrong(browser: Browser) -> None:
    data = {"resource": "local-process", "config": "env:\n  A: x\nbad: x"}
    (fault,) = browser.post("/e/e/queues/check", data).json()
    assert fault == {"line": 3, "message": "bad: unknown key", "severity": "error"}
    schema = browser.get("/e/e/queues/kinds/local-process/schema").json()
    assert "env" in schema["properties"]


def test_a_kind_brings_the_config_that_it_begins_with_unless_one_was_written(
    browser: Browser,
) -> None:
    page = browser.get("/e/e/new-queue").text
    assert "# The config of a queue of kind local-process" in page
    assert CONFIG in html.unescape(_sent(browser, "resource").text)
    assert "# The config of" in _sent(browser, "resource", config=" \n").text


def test_a_config_is_turned_into_the_other_syntax_and_back(browser: Browser) -> None:
    turned = html.unescape(_sent(browser, "json").text)
    assert '"INSTANCE": "{{aws_instance}}"' in turned
    back = html.unescape(_sent(browser, "yaml", syntax="json").text)
    assert "env:\n  INSTANCE: '{{aws_instance}}'" in back
    assert "# why" in _sent(browser, "yaml", config="nice: 1  # why").text, "it is YAML already"
    assert "a: [1" in _sent(browser, "json", config="a: [1").text, "what cannot be read stays"


def test_comments_are_dropped_for_json_only_when_that_was_agreed_to(browser: Browser) -> None:
    text = "nice: 1  # why\n"
    asked = html.unescape(_sent(browser, "json", config=text).text)
    assert "JSON has no comments" in asked
    assert "# why" in asked
    agreed = html.unescape(_sent(browser, "json-bare", config=text).text)
    assert '"nice": 1' in agreed
    assert "JSON has no comments" not in agreed
    assert '"#1"' in html.unescape(_sent(browser, "json", config="env: {A: '#1'}").text)


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("# first\na: 1\n", True),
        ("é: [1,  # within\n 2]\n", True),
        ("a: |  # behind the mark\n  x\n", True),
        ("a: |\n  x\n# last\n", True),
        ("a: |\n  # text\n  x\nb: 'x # y'\nc: x#y\n", False),
    ],
)
def test_a_comment_is_told_from_text(text: str, has: bool) -> None:
    assert has_comments(text) is has


def test_a_queue_of_any_name_has_its_page(served: Served, browser: Browser) -> None:
    for name in ("new", "check", "kinds"):
        assert _sent(browser, "save", name=name).status_code == 303
        assert f"<h1>{name}</h1>" in browser.get(f"/e/e/queues/{name}").text


def test_a_change_is_shown_line_by_line_before_it_is_saved(
    served: Served, browser: Browser
) -> None:
    _sent(browser, "save", name="edited")
    at = "/e/e/queues/edited/edit"
    assert "{{aws_instance}}" in browser.get(at).text
    review = _sent(browser, "review", at, version="1", config=CONFIG + "limits: {memory: 1g}\n")
    assert re.findall(r"<ins>(.*?)</ins>", review.text) == ["+   limits:", "+     memory: 1g"]
    assert _queue(served, "edited")["version"] == 1
    saved = _sent(browser, "save", at, version="1", **{"var.nice.maximum": "9"})
    assert saved.headers["location"] == "/e/e/queues/edited?tab=config"
    assert _queue(served, "edited")["spec"]["variables"]["nice"]["maximum"] == 9


def test_what_a_tile_cannot_show_stays_when_nothing_was_changed_in_it(
    served: Served, browser: Browser
) -> None:
    odd = {"type": "string", "default": "", "enum": ["", " a"], "description": "one\ntwo"}
    config = {"env": {"A": "{{odd}}"}}
    body = {"name": "odd", "resource": "local-process", "config": config, "variables": {"odd": odd}}
    with client_of(served) as client:
        assert client.post("/api/v1/entities/e/queues", json=body).is_success
    tile = {"var.odd.type": "string", "var.odd.enum": "\r\n a", "var.odd.description": "onetwo"}
    at = "/e/e/queues/odd/edit"
    sent = {"config": "env: {A: '{{odd}}'}", "max_concurrent": "3", "do": "save", **tile}
    browser.post(at, {"version": "1", **sent})
    now = _queue(served, "odd")["spec"]
    assert now["max_concurrent"] == 3
    assert now["variables"]["odd"].items() >= odd.items()
    browser.post(at, {"version": "2", **sent, "var.odd.description": "new"})
    assert _queue(served, "odd")["spec"]["variables"]["odd"]["enum"] == ["a"], "as it was written"


def test_what_another_has_changed_meanwhile_is_not_overwritten(
    served: Served, browser: Browser
) -> None:
    _sent(browser, "save", name="shared")
    at = "/e/e/queues/shared/edit"
    for none in ("", "9" * 18, "9" * 5000):
        assert _sent(browser, "save", at, version=none, max_concurrent="7").status_code == 409
    _sent(browser, "save", at, version="1", max_concurrent="7")
    late = _sent(browser, "save", at, version="1", max_concurrent="8")
    assert late.status_code == 409
    assert "changed by somebody else meanwhile" in late.text
    assert "save once more to save over it" in late.text
    assert re.findall(r"<(?:ins|del)>(.*?)</", late.text) == [
        "- max_concurrent: 7",
        "+ max_concurrent: 8",
    ]
    assert _queue(served, "shared")["spec"]["max_concurrent"] == 7
    shown = untouched(late.text, "queue-form")
    assert browser.post(at, {**shown, "do": "save"}).status_code == 303
    assert _queue(served, "shared")["spec"]["max_concurrent"] == 8


def test_what_was_written_is_text_and_no_markup(browser: Browser) -> None:
    page = _sent(browser, "save", config="</textarea><script>alert(1)</script>: x", name="<b>").text
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_the_command_that_does_the_same_has_what_was_written(browser: Browser) -> None:
    page = _sent(browser, "parse", name="twin", prioritization="1", max_concurrent="3").text
    told = html.unescape(re.findall(r'data-copy="([^"]*)"', page)[-1])
    first, *lines, last = told.splitlines()
    assert (first, last) == ("launchkit apply -f - <<'END'", "END")
    (queue,) = yaml.safe_load("\n".join(lines))
    assert queue["name"] == "twin"
    assert (queue["prioritization"], queue["max_concurrent"]) == (True, 3)
    assert queue["config"] == yaml.safe_load(CONFIG)
    assert queue["template_variables"]["nice"]["maximum"] == 19


def test_the_command_for_a_queue_without_a_config_is_one_line(browser: Browser) -> None:
    bare = {"config": "", "name": "bare", "resource": "local-process", "max_concurrent": "2"}
    page = browser.post("/e/e/new-queue", {"do": "parse", **bare}).text
    told = html.unescape(re.findall(r'data-copy="([^"]*)"', page)[-1])
    assert told == "launchkit queue create bare --resource=local-process --max-concurrent=2"
