"""How long the names and patterns in requests are."""

from typing import Annotated, TypeAlias

from pydantic import Field

MAX_NAME = 512
"""Letters of a name or a pattern, in an address or in a body."""

Name: TypeAlias = Annotated[str, Field(max_length=MAX_NAME)]
