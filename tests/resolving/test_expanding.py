"""Where a platform puts variables in the place of `$(NAME)`, it does so in the words of the queue's
owner alone.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from launchkit.abc import Policy
from launchkit.builtin.local_process.runner import LocalProcessRunner
from launchkit.model import Json, Launch
from launchkit.resolving.bind import AgentSide, bind

MakeLaunch = Callable[..., Launch]
X, STAYS = "$(X)", "$$(X)"


class Expanding(LocalProcessRunner):
    """A runner whose platform does so below one key."""

    kind: ClassVar[str] = "expanding"
    expanding_keys: ClassVar[frozenset[str]] = frozenset({"args"})
    literal_ways: ClassVar[frozenset[tuple[str, ...]]] = frozenset({("onEnd", "args")})


def args_of(make_launch: MakeLaunch, config: Json, **fields: Any) -> Json:
    launch = make_launch(config, runner=Expanding, **fields)
    agent = AgentSide(policy=Policy(macros_from_env=("OPEN",)), environ={"OPEN": X}, extra_env={})
    made = bind(launch, image=None, code=None, runner=Expanding, agent=agent)
    return made.submission.resource_args


def test_what_the_queues_owner_writes_is_left(make_launch: MakeLaunch) -> None:
    config = {"args": [X, {"deep": "a $$ b $(Y)"}], "other": X}
    assert args_of(make_launch, config) == config


@pytest.mark.parametrize("key", ["args_", "a_r_gs", "Args", "ARGS", "ar-gs"])
def test_the_key_counts_in_whatever_spelling_its_runner_may_take_it(
    make_launch: MakeLaunch, key: str
) -> None:
    brought = args_of(make_launch, {}, overrides={"resource_args": {"a": {key: [X]}}})
    assert brought == {"a": {key: [STAYS]}}
    fields: dict[str, Any] = {"variables": {"v": {"type": "string"}}}
    filled = args_of(make_launch, {"a": {key: "{{v}}"}}, template_variables={"v": X}, **fields)
    assert filled == {"a": {key: STAYS}}
    assert args_of(make_launch, {key: "${run_name}"}, name=X) == {key: STAYS}


@pytest.mark.parametrize("who", ["recipe", "overrides"])
def test_what_a_launch_or_its_job_brings_stays_as_it_is(make_launch: MakeLaunch, who: str) -> None:
    given = {"resource_args": {"args": ["a", X, "$$(X)", "$HOME"], "other": X}}
    made = args_of(make_launch, {"args": ["a", X]}, **{who: given})
    assert made == {"args": ["a", STAYS, "$$$$(X)", "$HOME"], "other": X}


def test_what_a_launch_must_repeat_of_the_queue_is_the_queues(make_launch: MakeLaunch) -> None:
    queues = {"all": [{"args": [X], "cpu": 1}]}
    given = {"resource_args": {"all": [{"args": [X], "cpu": 2}]}}
    assert args_of(make_launch, queues, overrides=given) == {"all": [{"args": [X], "cpu": 2}]}


def test_what_a_launch_is_called_stays_as_it_is(make_launch: MakeLaunch) -> None:
    made = args_of(make_launch, {"args": ["${run_name}", "$(Y)"], "other": "${run_name}"}, name=X)
    assert made == {"args": [STAYS, "$(Y)"], "other": X}


def test_a_macro_in_what_a_launch_brings_is_written_once(make_launch: MakeLaunch) -> None:
    given = {"resource_args": {"args": ["${run_name} $(Y)"]}}
    assert args_of(make_launch, {}, overrides=given, name=X) == {"args": ["$$(X) $$(Y)"]}


def test_a_value_of_a_template_variable_stays_as_it_is(make_launch: MakeLaunch) -> None:
    config = {"args": ["{{v}}", "$(Y)"], "other": "{{v}}"}
    fields: dict[str, Any] = {"variables": {"v": {"type": "string"}}}
    made = args_of(make_launch, config, template_variables={"v": X}, **fields)
    assert made == {"args": [STAYS, "$(Y)"], "other": X}


@pytest.mark.parametrize("key", ["onEnd", "on_end"])
def test_nothing_is_written_in_another_way_where_no_variable_is_put(
    make_launch: MakeLaunch, key: str
) -> None:
    fields: dict[str, Any] = {"variables": {"v": {"type": "string"}}}
    config = {"all": [{key: {"args": ["{{v}}", "${run_name}"]}}], "args": {key: "{{v}}"}}
    made = args_of(make_launch, config, template_variables={"v": X}, name=X, **fields)
    assert made == {"all": [{key: {"args": [X, X]}}], "args": {key: STAYS}}
    given = {"resource_args": {key: {"args": [X]}, "args": [X]}}
    brought = args_of(make_launch, {}, overrides=given)
    assert brought == {key: {"args": [X]}, "args": [STAYS]}


ANY: dict[str, Any] = {"type": "string", "pattern": ".*"}


@pytest.mark.parametrize(
    ("text", "values", "made"),
    [
        ("--price=${{v}}", {"v": X}, "--price=$$$$(X)"),
        ("{{v}}{{w}}", {"v": "$", "w": X}, "$$$$(X)"),
        ("$${{v}}", {"v": X}, "$$$$(X)"),
        ("$(Y) $A ${{v}} $(Y)", {"v": X}, "$(Y) $A $$$$(X) $(Y)"),
        ("$(cat {{v}})", {"v": "X Y"}, "$$(cat X Y)"),
        ("{{v}}${run_id}", {"v": "$"}, "$$abcd1234"),
        ("{{v}}${OPEN}", {"v": "$"}, "$$$(X)"),
        ("{{v}} ${HOME} ${run_name}", {"v": X}, "$$(X) ${HOME} r1"),
    ],
    ids=range(8),
)
def test_no_variable_is_put_into_what_a_value_becomes_together_with_what_stands_beside_it(
    make_launch: MakeLaunch, text: str, values: dict[str, str], made: str
) -> None:
    fields: dict[str, Any] = {"variables": dict.fromkeys(values, ANY), "template_variables": values}
    assert args_of(make_launch, {"args": [text]}, name="r1", **fields) == {"args": [made]}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("$${run_id} ", "$abcd1234 "),
        ("$$${run_id} $(Y)", "$$abcd1234 $(Y)"),
        ("$${run_id} $(Y)", "$$abcd1234 $(Y)"),
        ("$(DB_${run_id})", "$$(DB_abcd1234)"),
        ("$(Y) $A ${what} ${run_id}", "$(Y) $A ${what} abcd1234"),
    ],
)
def test_so_is_none_beside_a_macro(make_launch: MakeLaunch, text: str, made: str) -> None:
    assert args_of(make_launch, {"args": [text]}) == {"args": [made]}


@pytest.mark.parametrize(
    "fields",
    [
        {"variables": {"v": {"type": "string", "default": X}}},
        {"variables": {"v": {"type": "string", "enum": [X, "b"]}}, "template_variables": {"v": X}},
    ],
    ids=["default", "enum"],
)
def test_a_value_that_the_queues_owner_wrote_is_left(
    make_launch: MakeLaunch, fields: dict[str, Any]
) -> None:
    assert args_of(make_launch, {"args": ["{{v}}"]}, **fields) == {"args": [X]}


def test_a_variable_that_the_policy_opens_is_the_agents_owners(make_launch: MakeLaunch) -> None:
    assert args_of(make_launch, {"args": ["${OPEN}"]}) == {"args": [X]}
