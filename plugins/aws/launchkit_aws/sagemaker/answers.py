"""Answers of AWS, held against the library's own model: by itself the library gives on what it is
told, of whatever type that is.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from launchkit.runners.verdicts import is_believable

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (datetime,),
}
UNREADABLE = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, RuntimeError)
"""What the library raises for an answer that has a list where a mapping should be, a time that no
clock has, and the like.
"""


def as_modelled(answer: Any, shape: Shape) -> Any:
    """What is as the model has it; a member of another type, or a time that no job can have, is
    left out, as if it were not told.
    """
    if isinstance(shape, StructureShape):
        members: Mapping[str, Shape] = shape.members
        return {
            name: as_modelled(answer[name], of)
            for name, of in members.items()
            if name in answer and _is(answer[name], of)
        }
    if isinstance(shape, ListShape):
        return [as_modelled(one, shape.member) for one in answer if _is(one, shape.member)]
    if isinstance(shape, MapShape):
        return {
            key: as_modelled(one, shape.value)
            for key, one in answer.items()
            if _is(key, shape.key) and _is(one, shape.value)
        }
    return answer


def _is(value: object, of: Shape) -> bool:
    if isinstance(of, StructureShape | MapShape):
        return isinstance(value, Mapping)
    if isinstance(of, ListShape):
        return isinstance(value, list)
    if isinstance(value, datetime) and not is_believable(value):
        return False
    types = _TYPES.get(of.type_name, (object,))
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))
