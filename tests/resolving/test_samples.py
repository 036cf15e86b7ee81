"""What is told of a queue's config while its template variables have no values yet."""

from dataclasses import dataclass
from typing import Any

import pytest

from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.errors import PluginError, Rejected
from launchkit.model import Json, QueueSpec
from launchkit.resolving.samples import check_config_of, samples, values_of
from launchkit.resolving.variables import parse_variables
from launchkit.testing import FakeRunner


@dataclass(kw_only=True)
class StubbornRunner(FakeRunner):
    """Says nothing about keys, and the same of all values but one."""

    kind = "stubborn"

    @classmethod
    def check_args(cls, args: Json) -> None:
        if args.get("mode") != "sha256:ab":
            raise Rejected("resource_args.mode: must be a digest")

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        return {"type": "object"}


class StrangeRunner(StubbornRunner):
    """Its schema is none."""

    kind = "strange"

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        return {"type": "objekt"}


def queue(config: Json, **variables: Json) -> QueueSpec:
    return QueueSpec(name="q", resource="x", config=config, variables=parse_variables(variables))


NUMBER = {"type": "integer"}
TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("config", "variables", "problem"),
    [
        ({"nise": "{{n}}"}, {"n": NUMBER}, "nise: unknown key"),
        ({"nise": 1, "env": {"A": "{{t}}"}}, {"t": TEXT}, "nise: unknown key"),
        ({"limits": {"memry": "{{t}}"}}, {"t": TEXT}, "limits.memry: unknown key"),
        ({"nice": 50, "env": {"A": "{{t}}"}}, {"t": TEXT}, "nice: must be less"),
        ({"local-process": {"nise": "{{n}}"}}, {"n": NUMBER}, "nise: unknown key"),
        ({"nice": "{{t}}"}, {"t": {**TEXT, "default": "hot"}}, "nice: must be a whole number"),
        ({"nice": "{{n}}"}, {"n": {**NUMBER, "enum": [50, 60]}}, "nice: must be less"),
        (
            {"nice": "{{n}}", "env": {"A": "{{t}}"}},
            {"n": {**NUMBER, "enum": [50, 60]}, "t": TEXT},
            "nice: must be less",
        ),
    ],
)
def test_what_no_value_could_mend_is_refused(
    config: Json, variables: dict[str, Json], problem: str
) -> None:
    with pytest.raises(Rejected, match=f"resource_args.{problem}") as caught:
        check_config_of(queue({**config}, **variables), LocalProcessRunner)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("config", "variables"),
    [
        ({"nice": "{{n}}"}, {"n": NUMBER}),
        ({"nice": "{{n}}"}, {"n": {**NUMBER, "minimum": 50}}),
        ({"limits": {"memory": "{{t}}"}}, {"t": TEXT}),
        ({"setup": "{{t}}", "env": ["{{t}}={{n}}"]}, {"t": TEXT, "n": NUMBER}),
        ({"setup": {"command": ["{{t}}"]}}, {"t": TEXT}),
        ({"builder": {"base_image": "{{t}}"}}, {"t": TEXT}),
        ({"nice": "{{n}}"}, {"n": {**NUMBER, "enum": [50, 7]}}),
        (
            {"nice": "{{n}}", "limits": {"memory": "{{t}}"}},
            {"n": {**NUMBER, "enum": [50, 7]}, "t": {**TEXT, "enum": ["1g", "much"]}},
        ),
    ],
)
def test_what_may_depend_on_a_value_is_let_pass(config: Json, variables: dict[str, Json]) -> None:
    check_config_of(queue(config, **variables), LocalProcessRunner)


def test_the_same_objection_to_all_samples_of_a_free_text_is_not_taken_for_all_texts() -> None:
    check_config_of(queue({"mode": "{{t}}"}, t=TEXT), StubbornRunner)


def test_an_objection_to_each_listed_value_is() -> None:
    values = {**TEXT, "enum": ["fast", "slow"]}
    with pytest.raises(Rejected, match=r"resource_args\.mode: must be a digest"):
        check_config_of(queue({"mode": "{{t}}"}, t=values), StubbornRunner)


def test_samples_keep_to_types_and_bounds() -> None:
    found = parse_variables(
        {
            "few": {**NUMBER, "minimum": 3, "maximum": 6},
            "much": {"type": "number", "minimum": 2000},
            "word": {**TEXT, "enum": ["a", "b"]},
            "set": {**TEXT, "default": "x"},
        }
    )
    assert values_of(found["few"]) == [3, 6]
    assert values_of(found["much"]) == [2000]
    made = list(samples(found))
    assert [one["word"] for one in made] == ["a", "b"]
    assert all("set" not in one for one in made)


def test_a_schema_that_is_none_is_the_fault_of_the_plugin() -> None:
    with pytest.raises(
        PluginError, match=r"runner strange of .*: args_schema gives no JSON Schema"
    ):
        check_config_of(queue({"mode": "{{t}}"}, t=TEXT), StrangeRunner)


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        ({"base_imag": "x"}, r"builder\.base_imag: unknown key; did you mean 'base_image'\?"),
        ({"accelerator": {"image": "x"}}, r"builder\.accelerator\.image: unknown key"),
        ({"{{t}}": "x"}, r"builder\.\{\{t\}\}: unknown key"),
    ],
)
def test_a_key_that_no_builder_reads_is_told_with_the_nearest(builder: Json, said: str) -> None:
    for config in ({"builder": builder}, {"local-process": {"builder": builder}}):
        with pytest.raises(Rejected, match=rf"^resource_args\.{said}"):
            check_config_of(queue(config, t=TEXT), LocalProcessRunner)


@dataclass(kw_only=True)
class LooseRunner(FakeRunner):
    """Its schema lets more keys pass than it knows."""

    kind = "loose"

    @classmethod
    def check_args(cls, args: Json) -> None:
        strange = [key for key in args if key != "InstanceType"]
        if strange:
            raise Rejected("\n".join(f"resource_args.{key}: unknown key" for key in strange))

    @classmethod
    def args_schema(cls) -> dict[str, Any]:
        return {"type": "object", "patternProperties": {"^[a-z]+$": True}}


def test_a_key_that_the_runner_calls_unknown_is_refused_though_its_schema_lets_it_pass() -> None:
    config = {"InstanceType": "{{t}}", "instancetype": "{{t}}"}
    with pytest.raises(Rejected, match=r"^resource_args\.instancetype: unknown key$"):
        check_config_of(queue(config, t=TEXT), LooseRunner)


def test_however_much_is_wrong_the_schema_is_asked_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def args_schema(cls: type[LooseRunner]) -> dict[str, Any]:
        asked.append(cls.kind)
        return {"type": "object"}

    monkeypatch.setattr(LooseRunner, "args_schema", classmethod(args_schema))
    config = {"InstanceType": "{{t}}", **{f"strange_{number}": 1 for number in range(50)}}
    with pytest.raises(Rejected) as caught:
        check_config_of(queue(config, t=TEXT), LooseRunner)
    assert len(caught.value.message.splitlines()) == 50
    assert asked == ["loose"]
