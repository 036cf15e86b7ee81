"""Whatever is sent, the answer is one that the document tells of, and never a fault of the server.

`LAUNCHKIT_FUZZ=200` tries so many requests of each operation, 300 at most; else there are few.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans, just, one_of, sampled_from
from launchkit_server.app import make_app
from launchkit_server.door import Door
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from waiting import PATIENCE

from launchkit.model import Secret
from launchkit.model.people import PrincipalKind, Role
from launchkit.store import claims
from launchkit.store.database import Database
from launchkit.store.people import AddAccount, GrantRole
from launchkit.store.tokens import CreateAgentToken, CreateRunToken, CreateToken
from launchkit.testing import make_capacity

from .conftest import Served, nowhere, served_with
from .over_http import client_in, launched
from .roles import bearer

MANY = min(300, int(os.environ.get("LAUNCHKIT_FUZZ", "5")))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
OTHERS = (*map(str, Role), "agent", "run", "nobody")
WHO = one_of(just("ann"), sampled_from(OTHERS))
KNOWN = {"entity": "e", "name": "q", "queue": "q"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that lets nobody wait, with a queue and a launch."""
    with served_with(Door(), tmp_path_factory.mktemp("served")) as served:
        with client_in(served, "e") as client:
            launched(client)
        assert served.portal is not None
        others = served.portal.call(tokens_in, served.service.database)
        served.portal.call(served.service.hand_back)
        yield replace(served, tokens={"ann": served.tokens["ann"], **others})


async def tokens_in(database: Database) -> dict[str, Secret]:
    """A token of each role in the entity, of an agent, of a run, and one that is none."""
    made = {"nobody": Secret("lk_unone")}
    for role in Role:
        name = f"{role}-e"
        await database.write(AddAccount(name, PrincipalKind.USER, "test"))
        await database.write(GrantRole(name, "e", role, "test"))
        made[role] = (await database.write(CreateToken(name, "test"))).secret
    agent = await database.write(CreateAgentToken("box", "e", ["q"], "test"))
    held = await database.write(claims.Take("e", "q", make_capacity("box"), 3600.0))
    assert held is not None
    run = await database.write(CreateRunToken(held))
    return {**made, "agent": agent.secret, "run": run.secret}


DOCUMENT = make_app(nowhere()).openapi()
OPERATIONS = [
    one.ok()
    for one in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if not one.ok().path.endswith(("/readyz", "/locks/waits"))  # it says that nobody may wait
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_each_answer_is_one_that_the_document_tells_of(operation: Any, served: Served) -> None:
    """Half of what is sent is about things that are there, and half by an administrator."""

    @given(case=operation.as_strategy(), real=booleans(), who=WHO)
    @settings(
        max_examples=MANY,
        derandomize=MANY < 50,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    def answered(case: Any, real: bool, who: str) -> None:
        headers = bearer(served.tokens[who])
        known = {name: KNOWN[name] for name in case.path_parameters or {} if name in KNOWN}
        case.path_parameters.update(known if real else {"entity": "e"} if known else {})
        where = {"base_url": served.url, "timeout": PATIENCE}
        case.call_and_validate(headers=headers, checks=CHECKS, **where)

    answered()
