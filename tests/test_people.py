"""What each kind of principal may do: the whole table, and what holds for all of them."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launchkit.model.people import Permission, Principal, PrincipalKind, Role, may, refusal

ACCOUNTS = (PrincipalKind.USER, PrincipalKind.SERVICE)
ALLOWED = {
    None: "enter",
    Role.VIEWER: "enter read",
    Role.SUBMITTER: "enter read submit",
    Role.OPERATOR: "enter read submit operate",
    Role.ADMIN: "enter read submit operate administer agent",
}
AGENT = Principal(
    name="agent:a", kind=PrincipalKind.AGENT, entity="e", queues=frozenset({"p", "q"})
)
RUN = Principal(name="run:r", kind=PrincipalKind.RUN, entity="e", item="i", attempt=1)


def account(kind: PrincipalKind, roles: dict[str, Role]) -> Principal:
    return Principal(name="bob", kind=kind, roles=roles)


@pytest.mark.parametrize(
    ("kind", "role", "permission", "where"), [*product(ACCOUNTS, ALLOWED, Permission, ("e", "*"))]
)
def test_an_account_may_what_its_role_says_and_nothing_elsewhere(
    kind: PrincipalKind, role: Role | None, permission: Permission, where: str
) -> None:
    bob = account(kind, {where: role} if role else {})
    allowed = permission.value in ALLOWED[role].split()
    assert may(bob, permission, "e", "q", "i") == allowed
    everywhere = where == "*" or permission is Permission.ENTER
    assert may(bob, permission, "other") == (allowed and everywhere)


@pytest.mark.parametrize("role", Role)
def test_the_mightier_of_two_roles_counts(role: Role) -> None:
    for roles in ({"e": role, "*": Role.SUBMITTER}, {"e": Role.SUBMITTER, "*": role}):
        mightier = max(role, Role.SUBMITTER, key=lambda one: one.rank)
        assert account(PrincipalKind.USER, roles).role_in("e") is mightier


@pytest.mark.parametrize(
    ("permission", "entity", "queue"), [*product(Permission, ("e", "other"), ("q", "other", None))]
)
def test_an_agent_may_work_for_its_queues_only(
    permission: Permission, entity: str, queue: str | None
) -> None:
    own = (entity, queue) in {("e", "q"), ("e", None)}
    assert may(AGENT, permission, entity, queue) == (own and permission is Permission.AGENT)


@pytest.mark.parametrize(
    ("permission", "entity", "item"), [*product(Permission, ("e", "other"), ("i", "other", None))]
)
def test_a_run_may_touch_its_own_only(
    permission: Permission, entity: str, item: str | None
) -> None:
    own = (entity, item) == ("e", "i")
    assert may(RUN, permission, entity, "q", item) == (own and permission is Permission.RUN)


@pytest.mark.parametrize("principal", [AGENT, RUN])
@pytest.mark.parametrize("permission", Permission)
def test_roles_are_nothing_to_agents_and_runs(principal: Principal, permission: Permission) -> None:
    mighty = Principal(
        name=principal.name, kind=principal.kind, roles={"*": Role.ADMIN}, entity="elsewhere"
    )
    assert not may(mighty, permission, "e", "q", "i")


@given(st.sampled_from(ACCOUNTS), st.sampled_from(Role), st.sampled_from(Role), st.text())
def test_a_mightier_role_takes_nothing_away(
    kind: PrincipalKind, one: Role, other: Role, entity: str
) -> None:
    weak, mighty = sorted((one, other), key=lambda role: role.rank)
    for permission in Permission:
        if may(account(kind, {entity: weak}), permission, entity):
            assert may(account(kind, {entity: mighty}), permission, entity)


def test_a_refusal_says_what_is_missing() -> None:
    viewer = account(PrincipalKind.USER, {"e": Role.VIEWER})
    assert refusal(viewer, Permission.SUBMIT, "e") == (
        "bob has the role viewer in e, and this needs submitter"
    )
    assert refusal(viewer, Permission.READ, "f") == "bob has no role in f, and this needs viewer"
    assert refusal(AGENT, Permission.AGENT, "e", "z") == "agent:a is not bound to queue z"
    assert "an agent's work only" in (refusal(AGENT, Permission.READ, "e") or "")
