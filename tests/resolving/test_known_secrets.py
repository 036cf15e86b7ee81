"""The secrets of a queue as values."""

from launchkit.model import QueueSpec, Variable
from launchkit.resolving.known_secrets import (
    LONGEST,
    queue_mask,
    queue_secrets,
    without_queue_values,
    without_secrets,
)

CANARY = "canary-5f3a"
CONFIG = {
    "env": {"API_KEY": "hush-1", "USE_TOKEN": "true", "DOOR_PASSWORD": 123456, "MODE": "fast"},
    "more": ["HF_TOKEN=hush-2", "A=b", "TOKEN=${TOKEN}", "KEY={{key}}"],
    "proxy": "http://ann:hush-3@host/x",
    "mount": "type=volume,volume-opt=o=username=u;password=hush-4,target=/x",
    "command": ["run", "--token", "hush-5", "go password=hush-6 secret=hush-7 end"],
    "token": "…",
}


def test_what_is_hidden_of_a_queue_is_known() -> None:
    variables = {"hf_token": Variable(type="string", default="hush-8")}
    spec = QueueSpec(name="q", resource="docker", config=CONFIG, variables=variables)
    known = {*queue_secrets(spec)}
    assert {"123456", *(f"hush-{n}" for n in range(1, 9))} < known
    assert known - {"123456"} == {one for one in known if "hush" in one}
    told = "mount: not 'o=username=u;password=hush-4,target=/x'; http://ann:hush-3@host/x fast"
    assert "hush" not in without_queue_values(told, queue_mask(spec))
    assert without_queue_values("fast, true", queue_mask(spec)) == "fast, true"


def test_what_of_a_secret_default_stands_beside_a_macro_is_known_when_that_is_filled() -> None:
    default = "hush-9-${run_id}-hush-10"
    variables = {
        "hf_token": Variable(type="string", default=default),
        "proxy": Variable(type="string", default="http://ann:hush-11${run_id}@host"),
        "api_key": Variable(type="string", enum=("hush-12${run_id}", "${API_KEY}")),
    }
    spec = QueueSpec(name="q", resource="docker", variables=variables)
    for told in (default, "hush-9-r1-hush-10", "http://ann:hush-11r1@host", "hush-12r1"):
        assert "hush" not in without_queue_values(f"got {told}", queue_mask(spec))
    assert without_queue_values("see ${API_KEY}", queue_mask(spec)) == "see ${API_KEY}"


def test_of_a_text_without_measure_the_beginning_and_the_end_are_told_without_secrets() -> None:
    spec = QueueSpec(name="q", resource="docker", config={"env": {"API_KEY": "hush-hush-hush"}})
    told = without_queue_values(
        "no: " + "hush-hush-hush " * 1_000_000 + "says it", queue_mask(spec)
    )
    assert told.startswith("no: … … ")
    assert told.endswith(" … says it")
    assert "hush" not in told
    assert len(told) <= LONGEST
    one_word = without_queue_values("no: " + "hush-hush-hush," * 1_000_000, queue_mask(spec))
    assert one_word == "no: … (15000004 characters)"


def test_a_secret_that_a_name_tells_is_hidden_wherever_else_it_stands_in_its_queue() -> None:
    spec = QueueSpec(
        name="q",
        resource="docker",
        config={"env": {"API_TOKEN": CANARY, "OTHER": f"x {CANARY} y"}, f"k-{CANARY}": {CANARY: 1}},
        variables={
            "colour": Variable(type="string", enum=("red", CANARY)),
            "size": Variable(type="string", default=CANARY, description=f"as {CANARY}"),
            "word": Variable(type="string", pattern=f"{CANARY}|blue"),
        },
    )
    shown = without_secrets(spec)
    assert CANARY not in str(shown)
    assert (shown.variables["colour"].enum, shown.variables["word"].pattern) == (None, None)
    assert shown.config["env"] == {"API_TOKEN": "…", "OTHER": "x … y"}


def test_a_queue_with_more_in_secrets_than_is_looked_for_is_wholly_hidden() -> None:
    many = " ".join(f"TOKEN_{number}=secret{number:05}" for number in range(36_000))
    variables = {"size": Variable(type="string", default="small", description="of the disk")}
    spec = QueueSpec(name="q", resource="docker", config={"a": many}, variables=variables)
    shown = without_secrets(spec)
    assert shown.config == {"…": "…"}
    assert shown.variables == {"size": Variable(type="string", default="…", description="…")}
    mask = queue_mask(spec)
    assert without_queue_values("no such size", mask) == "…"
    assert without_queue_values("", mask) == ""
