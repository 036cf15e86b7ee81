"""Texts that are not shown."""

from collections.abc import Mapping
from typing import Self, TypeAlias

from pydantic_core import CoreSchema, core_schema


class Secret(str):
    """A text that does not print itself. It is a `str`, so that it can be used; never format it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> CoreSchema:
        """Settings may have fields of this type."""
        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.plain_serializer_function_ser_schema(lambda _: "…")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: object, handler: object) -> dict[str, object]:
        """Text that a form does not show."""
        return {"type": "string", "format": "password", "writeOnly": True}

    @classmethod
    def _read(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise ValueError("must be text; put it into quotes")  # noqa: TRY004 - pydantic wants it
        return cls(value)


EnvValues: TypeAlias = Mapping[str, str | Secret]
