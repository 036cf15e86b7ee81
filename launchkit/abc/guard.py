"""What plugins write, called such that a fault in it ends nothing but the call."""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from functools import cache, wraps
from types import FunctionType, UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

from launchkit import model
from launchkit.errors import LaunchkitError, PluginError, contained, contained_call, shown

OWN, SEAMS = "launchkit.", "launchkit.abc."
F = TypeVar("F", bound=Callable[..., Any])


class Guarded:
    """Makes subclasses safe to call, whoever writes them: what a seam declares as a classmethod
    ends in the error tree, and no method ends the program.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(OWN) and not cls.__module__.startswith(SEAMS):
            return  # each layer costs memory and time for each run
        for name, declared in _declared(cls).items():
            member = inspect.getattr_static(cls, name)
            if guard := _guard_of(member, declared):
                setattr(cls, name, guard)


def raises(*kinds: type[Exception]) -> Callable[[F], F]:
    """Marks a classmethod of a seam with exceptions that it raises on purpose."""

    def mark(function: F) -> F:
        vars(function)["passes"] = kinds
        return function

    return mark


def _declared(cls: type) -> dict[str, object]:
    """The methods of the seams that *cls* implements, or is."""
    seams = [one for one in cls.__mro__ if one.__module__.startswith(SEAMS)]
    return {
        name: member
        for one in seams
        for name, member in vars(one).items()
        if isinstance(member, FunctionType | classmethod) and not name.startswith("_")
    }


def _guard_of(member: Any, declared: object) -> Any:
    """What is to stand in place of a method; None if it may stay."""
    inner = getattr(member, "__func__", member)
    if hasattr(inner, "guarded") or getattr(member, "__isabstractmethod__", False):
        return None
    if isinstance(declared, classmethod):
        return classmethod(_marked(_answering(member, declared.__func__)))
    if not isinstance(member, FunctionType):
        return None
    if inspect.isasyncgenfunction(member):
        return _marked(_yielding(member))
    is_awaited = inspect.iscoroutinefunction(member) or inspect.iscoroutinefunction(declared)
    return _marked((_awaiting if is_awaited else _calling)(member, declared))


def _marked(function: Callable[..., Any]) -> Callable[..., Any]:
    vars(function)["guarded"] = True
    return function


def _answering(member: Any, declared: Any) -> Callable[..., Any]:
    passes = (LaunchkitError, *getattr(declared, "passes", ()))
    wanted = _wanted(declared)

    @wraps(getattr(member, "__func__", member))
    def answer(cls: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            with contained_call():
                given = member.__get__(None, cls)(*args, **kwargs)
                return _checked(given, wanted)
        except passes:
            raise
        except Exception as exc:
            home = cls.offered_by or f"plugin {cls.__module__}"
            raise PluginError(
                f"{cls.seam} {cls.kind} of {home}: {answer.__name__} failed: {shown(exc)}",
                hint="this is a fault of the plugin: update it, or tell its author",
            ) from exc

    return answer


def _wanted(declared: Any) -> tuple[type, ...]:
    """The types of what a seam wants to be told; none where anything will do."""
    hint = declared.__annotations__.get("return")
    if isinstance(hint, str):
        hint = getattr(model, hint, None)
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    hints = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    origins = [get_origin(one) or one for one in hints]
    if not all(isinstance(one, type) and one is not bool for one in origins):
        return ()
    return (list, tuple) if {*origins} & {list, tuple} else tuple(origins)


@cache
def _wanted_of_method(declared: Any) -> tuple[type, ...]:
    """The same, where collections are looked at by those who go through them."""
    wanted = _wanted(declared)
    return () if any(one.__module__ == "collections.abc" for one in wanted) else wanted


def _checked(given: Any, wanted: tuple[type, ...]) -> Any:
    if not wanted:
        return given
    answer = list(given) if isinstance(given, Iterator) else given
    if not isinstance(answer, wanted):
        raise TypeError(f"it gives {type(answer).__name__}, not {wanted[0].__name__}")
    return answer


def _calling(member: Callable[..., Any], declared: Any) -> Callable[..., Any]:
    @wraps(member)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _named(self, member), contained_call():
            return _checked(member(self, *args, **kwargs), _wanted_of_method(declared))

    return call


def _awaiting(member: Callable[..., Any], declared: Any) -> Callable[..., Any]:
    @wraps(member)
    async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _named(self, member), contained():
            return _checked(await member(self, *args, **kwargs), _wanted_of_method(declared))

    return call


def _yielding(member: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(member)
    async def call(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        with _named(self, member), contained():
            async with aclosing(member(self, *args, **kwargs)) as items:
                async for item in items:
                    yield item

    return call


class _named:  # noqa: N801 - reads as a verb: with _named(...)
    """Let an exception that is none of launchkit's say whose it is."""

    def __init__(self, owner: object, method: Callable[..., Any]) -> None:
        self._owner, self._method = owner, method

    def __enter__(self) -> None:
        """Nothing is needed before."""

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: object
    ) -> None:
        if isinstance(exc, Exception) and not isinstance(exc, LaunchkitError | BaseExceptionGroup):
            cls = type(self._owner)
            home = getattr(cls, "offered_by", "") or f"module {cls.__module__}"
            note = f"raised by {cls.__name__}.{self._method.__name__} of {home}"
            if note not in getattr(exc, "__notes__", ()):
                exc.add_note(note)
