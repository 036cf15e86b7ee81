"""What the agent may do at AWS, as AWS simulates it, and the statements that it lacks."""

import json

from launchkit_aws.rights import Need

from .buckets import ROLE, bucket
from .conftest import Environments


async def test_what_a_store_needs_is_simulated_and_what_lacks_is_printed(
    environments: Environments,
) -> None:
    def allowed(action: str, resource: str, conditions: dict[str, str]) -> bool:
        return action != "s3:DeleteObject"

    async with environments(allowed=allowed) as aws:
        await bucket(aws, "contexts")
        there, rights = await aws.check_store("s3://contexts/deep/er")
    assert (there.level, there.message) == ("ok", "bucket contexts is there")
    assert rights.level == "warning"
    assert rights.hint is not None
    assert json.loads(rights.hint.partition(": ")[2]) == {
        "Effect": "Allow",
        "Action": ["s3:DeleteObject"],
        "Resource": "arn:aws:s3:::contexts/deep/er/*",
    }


async def test_conditions_of_a_right_go_into_simulation_and_statement(
    environments: Environments,
) -> None:
    need = Need(
        actions=("iam:PassRole",),
        resource=ROLE,
        conditions=(("iam:PassedToService", "sagemaker.amazonaws.com"),),
    )
    asked: list[tuple[str, str, dict[str, str]]] = []

    def allowed(action: str, resource: str, conditions: dict[str, str]) -> bool:
        asked.append((action, resource, conditions))
        return action != "iam:PassRole"

    async with environments(allowed=allowed) as aws:
        (found,) = await aws.rights([need], "runner sagemaker")
        assert await aws.rights([need], "runner sagemaker") == [found]
    assert asked.count(("iam:PassRole", ROLE, dict(need.conditions))) == 1
    assert '"Condition": {"StringEquals"' in str(found.hint)


async def test_who_may_not_simulate_is_told_what_is_needed_for_it(
    environments: Environments,
) -> None:
    async with environments(allowed=lambda action, *_: not action.startswith("iam:Sim")) as aws:
        (found,) = await aws.rights([Need(actions=("s3:GetObject",))], "it")
    assert found.level == "warning"
    assert "what the agent may do is not known" in found.message
    assert "iam:SimulatePrincipalPolicy" in str(found.hint)
