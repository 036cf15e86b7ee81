"""How long the names and patterns in requests are."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from launchkit.model.names import LONGEST_NAME, length_problem


def _short(name: str) -> str:
    if problem := length_problem("a name", name):
        raise ValueError(problem)
    return name


Name: TypeAlias = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_short)]
Cursor: TypeAlias = Annotated[str, Field(max_length=2 * LONGEST_NAME)]
"""Where a page of a list begins: an id, and the name that the list goes by."""
