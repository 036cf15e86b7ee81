import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from launchkit.errors import Rejected
from launchkit.model import Claim, GitSource, ImageSource, Launch, Limits
from launchkit.resolving.inputs import check_config
from launchkit.resolving.resolve import resolve, validate_launch
from launchkit.testing import FakeRunner

MakeLaunch = Callable[..., Launch]
MakeClaim = Callable[..., Claim]

PYTORCH_JOB = {
    "kind": "PyTorchJob",
    "apiVersion": "kubeflow.org/v1",
    "metadata": {"name": "${run_id}-pytorch-job"},
}


def test_queue_job_and_launch_are_laid_over_each_other(make_launch: MakeLaunch) -> None:
    launch = make_launch(
        {"limits": {"memory": "1g", "cpu": 1}, "env": ["A=1"], "setup": "true"},
        recipe={"resource_args": {"limits": {"cpu": 2}, "env": ["B=2"]}},
        overrides={"resource_args": {"limits": {"files": 9}, "setup": None}},
    )
    assert launch.resource_args == {
        "limits": {"memory": "1g", "cpu": 2, "files": 9},
        "env": ["B=2"],
        "setup": None,
    }
    origins = {k: v for k, v in launch.origins.items() if k.startswith("resource_args")}
    assert origins == {
        "resource_args.limits.memory": "queue",
        "resource_args.limits.cpu": "job",
        "resource_args.limits.files": "launch",
        "resource_args.env[0]": "job",
        "resource_args.setup": "launch",
    }


def test_a_list_that_was_replaced_leaves_no_trace_in_the_origins(make_launch: MakeLaunch) -> None:
    launch = make_launch({"args": [1, 2, 3]}, overrides={"resource_args": {"args": [4]}})
    origins = {k: v for k, v in launch.origins.items() if k.startswith("resource_args")}
    assert origins == {"resource_args.args[0]": "launch"}


def test_the_launch_decides_over_the_job(make_launch: MakeLaunch) -> None:
    launch = make_launch(
        recipe={"args": ("--a",), "env": {"A": "1", "B": "1"}, "config": {"lr": {"x": 1, "y": 1}}},
        overrides={
            "entry_point": ("sh", "run.sh"),
            "args": (),
            "env": {"B": "2"},
            "config": {"lr": {"y": 2}},
        },
        timeouts={"run": 60},
    )
    assert launch.entry_point == ("sh", "run.sh")
    assert launch.args == ()
    assert launch.env == {"A": "1", "B": "2"}
    assert launch.config == {"lr": {"x": 1, "y": 2}}
    assert launch.limits == Limits(start=1800, run=60, stop_grace=60)
    assert launch.origins == {
        "entry_point": "launch",
        "args": "launch",
        "env.A": "job",
        "env.B": "launch",
        "config.lr.x": "job",
        "config.lr.y": "launch",
        "limits.place": "agent",
        "limits.start": "agent",
        "limits.run": "launch",
        "limits.stop_grace": "agent",
    }


def test_template_values_are_filled_and_marked(make_launch: MakeLaunch) -> None:
    launch = make_launch(
        {"limits": {"memory": "{{mem}}g", "cpu": "{{cpu}}", "files": 9}},
        variables={"mem": {"type": "integer"}, "cpu": {"type": "integer", "default": 2}},
        template_variables={"mem": 4},
    )
    assert launch.resource_args == {"limits": {"memory": "4g", "cpu": 2, "files": 9}}
    assert launch.origins["resource_args.limits.memory"] == "template"
    assert launch.origins["resource_args.limits.files"] == "queue"


@pytest.mark.parametrize("where", ["recipe", "overrides"])
def test_a_templated_queue_takes_only_its_variables(make_claim: MakeClaim, where: str) -> None:
    claim = make_claim(
        {"cpu": "{{cpu}}"},
        variables={"cpu": {"type": "integer", "default": 1}},
        **{where: {"resource_args": {"memory": "4g"}}},
    )
    with pytest.raises(Rejected, match=r"queue gpu has template variables.*memory") as caught:
        validate_launch(claim.queue.spec, claim.item.spec)
    assert caught.value.hint is not None
    assert "cpu" in caught.value.hint


@dataclass(kw_only=True)
class VertexRunner(FakeRunner):
    kind = "vertex"
    aliases = ("gcp-vertex",)


@pytest.mark.parametrize(
    ("resource", "config"),
    [
        ("kubernetes", PYTORCH_JOB),
        ("kubernetes", {"kubernetes": PYTORCH_JOB}),
        ("kubernetes", {"resource_args": {"kubernetes": PYTORCH_JOB}}),
        ("gcp-vertex", {"vertex": PYTORCH_JOB}),
        ("vertex", {"resource_args": {"gcp-vertex": PYTORCH_JOB}}),
    ],
)
def test_levels_that_only_name_the_resource_are_taken_off(
    make_launch: MakeLaunch, resource: str, config: dict[str, Any]
) -> None:
    wrapped = {**config, "builder": {"base_image": "x"}}
    runner = VertexRunner if resource in VertexRunner.names() else None
    launch = make_launch(wrapped, resource=resource, runner=runner)
    assert launch.resource_args == PYTORCH_JOB
    assert launch.builder_args == {"base_image": "x"}
    assert launch.origins["resource_args.kind"] == "queue"


def test_another_resources_level_is_left_alone(make_launch: MakeLaunch) -> None:
    launch = make_launch({"kubernetes": {"a": 1}}, resource="sagemaker")
    assert launch.resource_args == {"kubernetes": {"a": 1}}


def test_the_builders_part_goes_to_the_builder(make_launch: MakeLaunch) -> None:
    image = {"accelerator": {"base_image": "tensorflow/tensorflow:latest-gpu"}}
    launch = make_launch({"kubernetes": {"builder": image}}, resource="kubernetes")
    assert launch.builder_args == image
    assert launch.resource_args == {}


def test_a_config_is_held_to_the_jobs_schema(make_claim: MakeClaim) -> None:
    schema = {"type": "object", "properties": {"lr": {"type": "number"}}, "required": ["epochs"]}
    claim = make_claim(recipe={"input_schema": schema}, overrides={"config": {"lr": "fast"}})
    with pytest.raises(Rejected) as caught:
        validate_launch(claim.queue.spec, claim.item.spec)
    assert "config.lr: 'fast' is not of type 'number'" in str(caught.value)
    assert "'epochs' is a required property" in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [{"type": "objct"}, {"$ref": "http://127.0.0.1:1/x"}, {"$schema": 5}, {"pattern": "("}],
)
def test_a_schema_that_cannot_be_used_is_named_as_such(
    make_claim: MakeClaim, schema: dict[str, Any]
) -> None:
    claim = make_claim(recipe={"input_schema": schema}, overrides={"config": {"lr": 1}})
    with pytest.raises(Rejected, match="the job's input schema"):
        validate_launch(claim.queue.spec, claim.item.spec)


CLOSED = {"additionalProperties": False}
BOMB = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(60)}


BIG = "a" * 1_000_000
MANY = [*range(1_300)]


def often(part: dict[str, Any]) -> dict[str, Any]:
    return {"$defs": {"a": part}, "allOf": [{"not": {"not": {"$ref": "#/$defs/a"}}}] * 60}


DRAFT = "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("schema", "config", "why"),
    [
        ({"properties": {"x": {"pattern": "(?=a)b"}}}, {"x": "b"}, "may not hold assert"),
        ({"properties": {"x": {"pattern": "a"}}}, {"x": "b" * 9999}, "more than 1000 characters"),
        ({"$ref": "#"}, {}, "circle"),
        ({"$defs": {**BOMB, "a60": {}}, "$ref": "#/$defs/a0"}, {}, "takes too long|circle"),
        ({"properties": {"x": {"uniqueItems": True}}}, {"x": [{}] * 2000}, "takes too long"),
        ({"properties": {f"p{n}": {} for n in range(2000)}}, {}, "more than 1500 values"),
        ({"properties": {"x": {"pattern": r"\w*" * 300}}}, {"x": "a" * 999}, "takes too long"),
        ({"anyOf": [{"type": "string"}] * 700}, {"x": BIG}, "takes too long"),
        ({"allOf": [{"not": {}}] * 400}, {"x": BIG}, "takes too long"),
        ({"anyOf": [False] * 700}, {"x": BIG}, "takes too long"),
        ({"allOf": [{"not": False}] * 700}, {"x": BIG}, "takes too long"),
        (often({"const": {"a": MANY}}), {"a": [*MANY[:-1], 0]}, "takes too long"),
        (often({"dependentRequired": {"x": [*map(str, MANY)]}}), {"x": 1}, "takes too long"),
        (often({f"k{n}": 1 for n in MANY}), {}, "takes too long"),
        ({"properties": {"x": {"uniqueItems": True}}}, {"x": [[[0] * 90]] * 200}, "takes too long"),
        ({"type": [[n] for n in MANY]}, {}, "`type` at its root"),
        ({"$defs": {f"p{n}": {"pattern": f"a{{400}}{n}"} for n in range(30)}}, {}, "20000 steps"),
        ({"patternProperties": {f"a{{400}}{n}": {} for n in range(30)}}, {}, "20000 steps"),
    ],
)
def test_a_schema_that_could_take_any_time_is_refused(
    make_claim: MakeClaim, schema: dict[str, Any], config: dict[str, Any], why: str
) -> None:
    claim = make_claim(recipe={"input_schema": schema}, overrides={"config": config})
    with pytest.raises(Rejected, match=f"the job's input schema cannot be used: .*({why})"):
        validate_launch(claim.queue.spec, claim.item.spec)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"unevaluatedProperties": False}, "`unevaluatedProperties` at .*: use `additionalProp"),
        ({"unevaluatedItems": False}, "`unevaluatedItems` at .*: use `items`"),
        ({"dependencies": {}}, "`dependencies` at .*: use `dependentRequired`"),
        ({"$dynamicRef": "#x"}, r"`\$dynamicRef` at .*: name what it leads to in `\$defs`"),
        ({"$recursiveRef": "#"}, r"`\$recursiveRef` at .* `#/\$defs/NAME`"),
        ({"$anchor": "x"}, r"`\$anchor` at .* `#/\$defs/NAME`"),
        ({"$dynamicAnchor": "x"}, r"`\$dynamicAnchor` at .* `#/\$defs/NAME`"),
        ({"$vocabulary": {}}, r"`\$vocabulary` at .*: leave it out"),
        ({"$id": "https://x/y"}, r"`\$id` at .*: leave it out: only the whole schema"),
        ({"$schema": DRAFT}, r"`\$schema` at .*: leave it out: only the whole schema"),
        ({"$ref": "#x"}, r"`\$ref: #x` at .* `#/\$defs/NAME`"),
        ({"$ref": "http://127.0.0.1:1/x"}, r"`\$ref: http://127.0.0.1:1/x` at"),
        ({"$ref": "#/properties/x"}, r"`\$ref: #/properties/x` at"),
        ({"$ref": "#/$defs/x/items"}, r"`\$ref: #/\$defs/x/items` at"),
        ({"$ref": "#/$defs/x%2Fitems"}, r"`\$ref: #/\$defs/x%2Fitems` at"),
        ({"$ref": "#/$defs/z"}, r"refers to what is not in it: #/\$defs/z"),
        ({"$ref": "#/definitions/x"}, "refers to what is not in it: #/definitions/x"),
    ],
)
def test_what_would_follow_references_by_itself_is_refused_with_what_to_write(
    make_claim: MakeClaim, part: dict[str, Any], told: str
) -> None:
    schema = {"$defs": {"x": {"items": {}}}, "properties": {"x": {"anyOf": [part]}}}
    claim = make_claim(recipe={"input_schema": schema})
    with pytest.raises(Rejected, match=f"the job's input schema cannot be used: .*{told}"):
        validate_launch(claim.queue.spec, claim.item.spec)


def test_a_number_that_cannot_be_compared_is_told() -> None:
    with pytest.raises(Rejected, match="a number cannot be compared"):
        check_config({"x": 10**400}, {"properties": {"x": {"multipleOf": 0.5}}})


def test_a_circle_in_a_schema_is_told_as_one_however_deep_this_process_may_go(
    make_claim: MakeClaim,
) -> None:
    claim = make_claim(recipe={"input_schema": {"$ref": "#"}})
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        with pytest.raises(Rejected, match="circle"):
            validate_launch(claim.queue.spec, claim.item.spec)
    finally:
        sys.setrecursionlimit(before)


WRITTEN = {
    "$defs": {
        "Adam": {
            "properties": {"kind": {"const": "adam", "type": "string"}},
            "required": ["kind"],
            "type": "object",
        },
        "Mode": {"enum": ["fast", "exact"], "type": "string"},
        "Sgd": {
            "properties": {
                "kind": {"const": "sgd", "type": "string"},
                "speed": {"default": 0.1, "type": "number"},
            },
            "required": ["kind"],
            "type": "object",
        },
        "Tree": {
            "properties": {"below": {"items": {"$ref": "#/$defs/Tree"}, "type": "array"}},
            "type": "object",
        },
    },
    "properties": {
        "by": {
            "discriminator": {
                "mapping": {"adam": "#/$defs/Adam", "sgd": "#/$defs/Sgd"},
                "propertyName": "kind",
            },
            "oneOf": [{"$ref": "#/$defs/Adam"}, {"$ref": "#/$defs/Sgd"}],
        },
        "mode": {"$ref": "#/$defs/Mode", "default": "fast"},
        "tree": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}], "default": None},
    },
    "type": "object",
}
"""As pydantic writes one of models within models."""


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"properties": {"x": {"pattern": "^(a+)+$"}}}, {"x": "aaa"}, {"x": "a" * 60 + "b"}),
        (
            {
                "$schema": DRAFT,
                "$id": "https://x/y",
                "$defs": {"a": {"pattern": "^(a+)+$"}},
                "properties": {"x": {"$ref": "#/$defs/a"}, "y": {"$ref": "#"}},
            },
            {"y": {"x": "aaa"}},
            {"y": {"x": "a" * 60 + "b"}},
        ),
        (
            {"patternProperties": {"^(n+)+$": {"type": "integer"}}},
            {"nn": 1, "x": "y"},
            {"nn": "y"},
        ),
        (
            {
                "properties": {"x": {}},
                "patternProperties": {"^n": {}},
                "additionalProperties": False,
            },
            {"x": 1, "n1": 2},
            {"y": 1},
        ),
        ({"additionalProperties": {"type": "integer"}}, {"x": 1}, {"x": "y"}),
        ({"properties": {"x": {"uniqueItems": True}}}, {"x": [1, 2]}, {"x": [1, 1]}),
        ({"$defs": {"a": {"type": "object"}}, "$ref": "#/$defs/a"}, {}, None),
        ({"properties": {"x": False}}, {}, {"x": 1}),
        (
            {"properties": {"$ref": {"type": "integer"}, "unevaluatedItems": {"const": 1}}},
            {"$ref": 1, "unevaluatedItems": 1},
            {"$ref": "#"},
        ),
        (
            {
                "$defs": {"a/b~%": {"type": "integer"}},
                "items": {},
                "additionalProperties": {"$ref": "#/$defs/a~1b~0%25"},
            },
            {"x": 1},
            {"x": "y"},
        ),
        (WRITTEN, {"tree": {"below": [{}]}, "by": {"kind": "adam"}}, {"by": {"kind": "lbfgs"}}),
        (WRITTEN, {"by": {"kind": "sgd", "speed": 1}, "mode": "fast"}, {"mode": "slow"}),
        (WRITTEN, {"tree": None}, {"tree": {"below": [{"below": 1}]}}),
    ],
)
def test_a_config_is_held_to_patterns_and_references_of_its_schema(
    make_claim: MakeClaim, schema: dict[str, Any], good: dict[str, Any], bad: dict[str, Any] | None
) -> None:
    claim = make_claim(recipe={"input_schema": schema}, overrides={"config": good})
    validate_launch(claim.queue.spec, claim.item.spec)
    if bad is not None:
        claim = make_claim(recipe={"input_schema": schema}, overrides={"config": bad})
        with pytest.raises(Rejected, match=r"^config"):
            validate_launch(claim.queue.spec, claim.item.spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"overrides": {"files": {"../x.json": {}}}}, "files: ../x.json: must be a path inside"),
        (
            {"overrides": {"files": {"/etc/x.yaml": {}}}},
            "/etc/x.yaml: must be a path",
        ),
        (
            {"overrides": {"files": {"x.toml": {}}}},
            "x.toml: must be a .json",
        ),
        ({"overrides": {"env": {"A=B": "1"}}}, "env: 'A=B' cannot be the name"),
        ({"overrides": {"env": {"PATH\u200b": "1"}}}, r"env: 'PATH\\u200b' cannot be the name"),
        ({"recipe": {"env": {"P\u0410TH": "1"}}}, "env: 'P\u0410TH' cannot be the name"),
        ({"overrides": {"env": {"A": "a\0b"}}}, "env.A: a value cannot hold a NUL"),
        ({"overrides": {"args": ("a\0b",)}}, "an argument cannot hold a NUL"),
        ({"name": "https://ann:pw@h/x"}, "name: https://…@h/x: a name is shown to all"),
        ({"project": "b://pw@h"}, "project: b://…@h: a name is shown to all"),
        ({"overrides": {"entry_point": ("", "x")}}, "which names the program, is empty"),
        ({"timeouts": {"run": -1}}, "timeouts.run: must be seconds, .* or 0 for no limit, not -1"),
        (
            {"timeouts": {"stop_grace": 1e308}},
            "timeouts.stop_grace: must be seconds, at most 86400",
        ),
        ({"timeouts": {"run": 1e12}}, "timeouts.run: must be seconds, at most 3"),
        ({"timeouts": {"start": float("nan")}}, "timeouts.start: must be seconds"),
    ],
)
def test_what_no_runner_could_use_is_refused_at_launch(
    make_claim: MakeClaim, spec: dict[str, Any], message: str
) -> None:
    claim = make_claim(**spec)
    with pytest.raises(Rejected, match=message):
        validate_launch(claim.queue.spec, claim.item.spec)


LEAKY_IMAGE = "u:s3cr3t@reg.example/x"


@pytest.mark.parametrize(
    "source",
    [
        ImageSource(image="https://u:s3cr3t@reg.example/x"),
        ImageSource(image="u:s3cr3t@reg.example/x@sha256:abc"),
        ImageSource(image="u:s3cr3t@sha2.example/x"),
        ImageSource(image="u:s3cr3t@sha256:5000/x"),
        GitSource(remote="https://u:s3cr3t@git.example/x", commit="a" * 40),
    ],
)
def test_an_address_with_a_login_is_refused_at_launch_and_not_repeated(
    make_claim: MakeClaim, source: ImageSource | GitSource
) -> None:
    claim = make_claim(recipe={"source": source})
    with pytest.raises(Rejected) as caught:
        validate_launch(claim.queue.spec, claim.item.spec)
    assert "s3cr3t" not in caught.value.message


@pytest.mark.parametrize(
    "spec",
    [
        {"recipe": {"base_image": LEAKY_IMAGE}},
        {"recipe": {"resource_args": {"builder": {"base_image": LEAKY_IMAGE}}}},
        {"overrides": {"resource_args": {"builder": {"cuda": {"base_image": LEAKY_IMAGE}}}}},
    ],
)
def test_a_base_image_with_a_login_is_refused_at_launch_and_not_repeated(
    make_claim: MakeClaim, spec: dict[str, Any]
) -> None:
    claim = make_claim(**spec)
    with pytest.raises(
        Rejected, match=r"base_image: '…@reg\.example/x' is the name of no"
    ) as caught:
        validate_launch(claim.queue.spec, claim.item.spec)
    assert "s3cr3t" not in caught.value.message


def test_a_working_directory_must_be_inside_the_code(make_claim: MakeClaim) -> None:
    source = GitSource(remote="https://example.com/r.git", commit="a" * 40)
    claim = make_claim(recipe={"source": source}, overrides={"working_dir": "/etc"})
    with pytest.raises(Rejected, match="working_dir: /etc: must be a path inside the code"):
        validate_launch(claim.queue.spec, claim.item.spec)


@pytest.mark.parametrize(
    ("words", "climbs"),
    [
        ("../../bin/python main.py", "../../bin/python"),
        ("python a/../../main.py", "a/../../main.py"),
        ("python ..", ".."),
        ("python a/../main.py --data ../data/x", "../data/x"),
        ("/usr/bin/python main.py --out=../x", None),
        ("python -m train https://example.com/../x", None),
    ],
)
def test_no_word_of_an_entry_point_names_a_file_above_the_code(
    words: str, climbs: str | None, make_claim: MakeClaim
) -> None:
    source = GitSource(remote="https://example.com/r.git", commit="a" * 40)
    claim = make_claim(recipe={"source": source}, overrides={"entry_point": tuple(words.split())})
    if climbs is None:
        validate_launch(claim.queue.spec, claim.item.spec)
        return
    with pytest.raises(Rejected, match=f"entry_point: {re.escape(climbs)}: leads out of the code"):
        validate_launch(claim.queue.spec, claim.item.spec)


def test_an_entry_point_starts_in_its_working_directory(make_claim: MakeClaim) -> None:
    source = GitSource(remote="https://example.com/r.git", commit="a" * 40)
    overrides = {"entry_point": ("python", "../main.py"), "working_dir": "sub"}
    claim = make_claim(recipe={"source": source}, overrides=overrides)
    validate_launch(claim.queue.spec, claim.item.spec)


def test_resolve_checks_again_what_was_checked_at_launch(make_claim: MakeClaim) -> None:
    claim = make_claim(
        {"cpu": "{{cpu}}"}, variables={"cpu": {"type": "integer"}}, template_variables={"cpu": "2"}
    )
    with pytest.raises(Rejected, match="cpu: must be of type integer"):
        resolve(claim, Limits(start=0, run=0, stop_grace=0))


def test_a_launch_carries_what_its_claim_knows(make_launch: MakeLaunch) -> None:
    launch = make_launch(job="train:v1", project="ProJ", attempt=2)
    assert (launch.item_id, launch.run_id, launch.attempt) == ("item1", "abcd1234", 2)
    assert (launch.entity, launch.project, launch.name) == ("ent", "ProJ", "abcd1234")
    assert (launch.author, launch.queue, launch.job) == ("bob", "gpu", "train:v1")


@pytest.mark.parametrize(
    "overrides",
    [
        {"config": {f"key_{number}": 1 for number in range(20_001)}},
        {"files": {"a.json": {"x": [1] * 20_001}}},
        {"args": ("x",) * 20_001},
        {"env": {"A": "x" * 4_000_001}},
        {"config": {"x" * 4_000_001: 1}},
        {"config": {"numbers": [10**99] * 19_000, "text": "x" * 2_100_000}},
    ],
)
def test_a_launch_of_very_many_values_is_refused_at_once(
    make_claim: MakeClaim, overrides: dict[str, Any]
) -> None:
    claim = make_claim({}, overrides=overrides)
    with pytest.raises(Rejected, match="more than 20000 values, or 4000000 characters"):
        validate_launch(claim.queue.spec, claim.item.spec)
