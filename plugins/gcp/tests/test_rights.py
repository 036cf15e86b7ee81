"""What the agent may do at Google Cloud, and the commands that grant what it lacks."""

import pytest
from aiohttp import web
from launchkit_gcp.environment import GcpEnvironment
from launchkit_gcp.rights import Need, service_account

from .fake_google import AGENT, OTHER, PROJECT, FakeGoogle, refused
from .needs import NEED


async def test_what_is_lacking_is_told_with_the_command_that_grants_it(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    google.lacking = {"aiplatform.customJobs.create"}
    (found,) = await gcp.rights([NEED], "runner")
    assert found.level == "warning"
    assert found.message == f"{AGENT} lacks aiplatform.customJobs.create on project {PROJECT}"
    assert found.hint == (
        f"grant it: gcloud projects add-iam-policy-binding {PROJECT}"
        f" --member=serviceAccount:{AGENT} --role=roles/aiplatform.user"
    )


async def test_rights_on_a_service_account_are_asked_of_iam(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    google.lacking = {"iam.serviceAccounts.actAs"}
    need = Need(
        resource=service_account(OTHER),
        permissions=("iam.serviceAccounts.actAs",),
        roles=("roles/iam.serviceAccountUser",),
    )
    (found,) = await gcp.rights([need], "runner")
    assert f"service-accounts add-iam-policy-binding {OTHER}" in str(found.hint)
    assert google.asked == [f"POST /v1/projects/-/serviceAccounts/{OTHER}:testIamPermissions"]


async def test_a_right_that_is_granted_meanwhile_is_seen(
    gcp: GcpEnvironment, google: FakeGoogle
) -> None:
    google.lacking = {NEED.permissions[0]}
    assert [one.level for one in await gcp.rights([NEED], "it")] == ["warning"]
    google.lacking.clear()
    assert [one.level for one in await gcp.rights([NEED], "it")] == ["ok"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            refused(403, "PERMISSION_DENIED", "Cloud Resource Manager API has not been used"),
            "PERMISSION_DENIED: Cloud Resource Manager API has not been used",
        ),
        (web.Response(status=400, text="<h1>Go away"), "in project my-project: HTTP 400"),
        (web.Response(text="<h1>Hello"), "its answer is none of Google's"),
    ],
)
async def test_what_is_not_told_of_rights_is_a_warning(
    gcp: GcpEnvironment, google: FakeGoogle, answer: web.Response, told: str
) -> None:
    google.answers += [answer] * 9
    (found,) = await gcp.rights([NEED], "it")
    assert found.level == "warning"
    assert "what the agent may do is not known" in found.message
    assert told in found.message
