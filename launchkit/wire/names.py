"""How long the names and patterns in requests are."""

from typing import Annotated, TypeAlias

from pydantic import Field

from launchkit.model.names import LONGEST_NAME

Name: TypeAlias = Annotated[str, Field(max_length=LONGEST_NAME)]
Cursor: TypeAlias = Annotated[str, Field(max_length=2 * LONGEST_NAME)]
"""Where a page of a list begins: an id, and the name that the list goes by."""
