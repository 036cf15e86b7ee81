"""The policy that the page shows has all that is asked for."""

import json

from launchkit_aws.ecr_service import CREATE, PUSH, READ
from launchkit_aws.environment import LOOKING, store_needs
from launchkit_aws.s3 import S3Address
from pages import ROOT

PAGE = ROOT / "docs" / "how-to" / "aws.md"


def test_the_policy_of_the_page_allows_all_that_is_needed() -> None:
    text = PAGE.read_text().partition("```json\n")[2].partition("```")[0]
    told: set[str] = set()
    for statement in json.loads(text)["Statement"]:
        actions = statement["Action"]
        told |= {actions} if isinstance(actions, str) else {*actions}
    store = store_needs(S3Address("b", "x"), "aws")
    needed = {f"ecr:{action}" for action in (*READ, *PUSH, *CREATE, "GetAuthorizationToken")}
    assert told == needed | {*LOOKING} | {action for need in store for action in need.actions}
