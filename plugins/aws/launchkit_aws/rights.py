"""What the agent's policy allows, as IAM itself simulates it: nothing is done, and nothing is
proved, since a policy of the resource or of the organisation may say another word.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launchkit.abc import Finding
from launchkit_aws.errors import AwsRefused, explained

ALLOWED = "allowed"
_ASSUMED = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+"
)


@dataclass(frozen=True, kw_only=True)
class Need:
    """Actions that somebody needs on a resource."""

    actions: tuple[str, ...]
    resource: str = "*"
    conditions: tuple[tuple[str, str], ...] = ()
    """Keys of the request that policies may ask for, and their values, such as
    `iam:PassedToService`.
    """

    @property
    def statement(self) -> Mapping[str, Any]:
        """What a policy says to allow it."""
        told: dict[str, Any] = {
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": self.resource,
        }
        if self.conditions:
            told["Condition"] = {"StringEquals": dict(self.conditions)}
        return told


async def rights_findings(
    iam: Any, principal: str, needs: Sequence[Need], subject: str
) -> Sequence[Finding]:
    """What *principal* lacks of *needs*, with the statements that would allow it.

    :raises AwsError: if IAM does not say.
    """
    arn = await _role_of(iam, principal)
    if arn.endswith(":root"):
        return [Finding(level="ok", subject=subject, message=f"{arn} may do everything")]
    lacking: list[Need] = []
    for need in needs:
        refused = await _refused(iam, arn, need)
        if refused:
            lacking.append(
                Need(actions=refused, resource=need.resource, conditions=need.conditions)
            )
    if not lacking:
        count = sum(len(need.actions) for need in needs)
        return [Finding(level="ok", subject=subject, message=f"{arn} may do all {count} actions")]
    told = "; ".join(f"{', '.join(need.actions)} on {need.resource}" for need in lacking)
    statements = ",\n".join(json.dumps(need.statement) for need in lacking)
    return [
        Finding(
            level="warning",
            subject=subject,
            message=f"as IAM simulates it, {arn} may not {told}",
            hint=f"add to its policy: {statements}",
        )
    ]


async def _refused(iam: Any, arn: str, need: Need) -> tuple[str, ...]:
    context = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in need.conditions
    ]
    with explained("IAM: cannot simulate the agent's policy"):
        answer = await iam.simulate_principal_policy(
            PolicySourceArn=arn,
            ActionNames=[*need.actions],
            ResourceArns=[need.resource],
            ContextEntries=context,
        )
        allowed = {
            told["EvalActionName"].lower()
            for told in answer.get("EvaluationResults", ())
            if told.get("EvalDecision") == ALLOWED
        }
    return tuple(action for action in need.actions if action.lower() not in allowed)


async def _role_of(iam: Any, principal: str) -> str:
    """Policies belong to the role; the ARN of its session lacks the role's path."""
    found = _ASSUMED.fullmatch(principal)
    if found is None:
        return principal
    try:
        with explained("IAM"):
            return str((await iam.get_role(RoleName=found["role"]))["Role"]["Arn"])
    except AwsRefused:
        return f"arn:{found['partition']}:iam::{found['account']}:role/{found['role']}"
