"""Whatever is sent, the answer is one that the document tells of, and never a fault of the server.

`LAUNCHKIT_FUZZ=200` tries so many requests of each operation, 300 at most; else there are few.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import booleans
from launchkit_server.app import make_app
from launchkit_server.door import Door
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from waiting import PATIENCE

from .conftest import Served, nowhere, served_with
from .over_http import client_in, launched

MANY = min(300, int(os.environ.get("LAUNCHKIT_FUZZ", "5")))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
KNOWN = {"entity": "e", "name": "q", "queue": "q"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that lets nobody wait, with a queue and a launch."""
    with served_with(Door(), tmp_path_factory.mktemp("served")) as served:
        with client_in(served, "e") as client:
            launched(client)
        assert served.portal is not None
        served.portal.call(served.service.hand_back)
        yield served


DOCUMENT = make_app(nowhere()).openapi()
OPERATIONS = [
    one.ok()
    for one in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if not one.ok().path.endswith(("/readyz", "/locks/waits"))  # it says that nobody may wait
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_each_answer_is_one_that_the_document_tells_of(operation: Any, served: Served) -> None:
    """Half of what is sent is about things that are there."""
    token = str.__str__(served.tokens["ann"])
    headers = {"Authorization": f"Bearer {token}"}

    @given(case=operation.as_strategy(), real=booleans())
    @settings(
        max_examples=MANY,
        derandomize=MANY < 50,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    def answered(case: Any, real: bool) -> None:
        known = {name: KNOWN[name] for name in case.path_parameters or {} if name in KNOWN}
        case.path_parameters.update(known if real else {"entity": "e"} if known else {})
        where = {"base_url": served.url, "timeout": PATIENCE}
        case.call_and_validate(headers=headers, checks=CHECKS, **where)

    answered()
