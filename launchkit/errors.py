"""What can go wrong, by what the catcher does next.

LaunchkitError
├─ ConfigError      a name or a shape is wrong; the message starts with file:line and the key's path
├─ PluginError      a plugin cannot be loaded, or fails; or no class, or two, answer to a kind
├─ QueueError       the queue refused, or something in it is not as the caller believes
│  ├─ NotFound      no queue, job or launch of that name
│  ├─ Conflict      it exists already, is in use, or has changed since it was read
│  │  ├─ AgentReplaced  an agent of the same name has registered later
│  │  └─ Stale      it has changed since it was read
│  ├─ Unauthenticated  the queue service does not know who asks
│  ├─ Forbidden     the one who asks may not do that
│  ├─ Unreachable   the queue cannot be reached now; trying again may help
│  └─ LeaseLost     the item is no longer ours
└─ LaunchError      one launch failed; the others go on
   ├─ Rejected      a rule says no; trying again will not help
   ├─ FetchError    the source could not be fetched
   ├─ BuildError    the image could not be built
   ├─ SubmitError   the runner could not start it
   │  └─ NotYet     there is no place for it now; nothing was started
   ├─ StartTimeout  it did not start in time
   ├─ RunTimeout    it ran longer than it may
   ├─ RunLost       the infrastructure no longer knows the run
   └─ Elsewhere     its run is on record at a place where this agent cannot look
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

SEARCHED_CHARACTERS = 1 << 14
"""How much of a text is looked through for known secrets before anything is taken out of it."""
_hide: ContextVar[Callable[[str], str]] = ContextVar("hide", default=str)


@contextmanager
def hiding(mask: Callable[[str], str]) -> Iterator[None]:
    """Let *mask* hide the secrets that it knows in each text that is cut meanwhile, or loses its
    logins, before it does: what is left of a secret may be too little to be known.
    """
    outer = _hide.get()
    token = _hide.set(lambda text: mask(outer(text)))
    try:
        yield
    finally:
        _hide.reset(token)


def without_known(text: str) -> str:
    """A text with `…` for the secrets that are known where it is told."""
    return _hide.get()(text)


def _without_logins(text: str) -> str:
    if ":/" not in text:
        return text
    from launchkit.addresses import masked

    return masked(without_known(text) if len(text) <= SEARCHED_CHARACTERS else text)


class LaunchkitError(Exception):
    """The root of all errors that launchkit raises on purpose.

    `str()` gives what happened, where and why; `hint` says what to do next; `code` is a stable
    word, the one that the command line prints and the documentation lists. No address in it has a
    password.
    """

    code: str = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = _without_logins(message)
        self.hint = hint and _without_logins(hint)
        super().__init__(self.message)


class ConfigError(LaunchkitError):
    """Something that a person wrote has the wrong name or shape."""

    code = "config_invalid"


class PluginError(LaunchkitError):
    """A plugin cannot be loaded, or fails in what it says of itself, or the wrong number of classes
    answers to a kind.
    """

    code = "plugin"


class QueueError(LaunchkitError):
    """The queue refused what was asked."""

    code = "queue"


class NotFound(QueueError):
    """There is no queue, job or launch of that name."""

    code = "not_found"


class Conflict(QueueError):
    """It exists already, is in use, or has changed since it was read."""

    code = "conflict"


class AgentReplaced(Conflict):
    """An agent of the same name has registered later: this one is to end."""

    code = "agent_replaced"


class Stale(Conflict):
    """It has changed since it was read: the change is made again over what it is now, or not."""

    code = "stale"


class Unauthenticated(QueueError):
    """The queue service does not know who asks: there is no token, or none that counts."""

    code = "unauthenticated"


class Forbidden(QueueError):
    """The one who asks may not do that."""

    code = "forbidden"


class Unreachable(QueueError):
    """The queue cannot be reached or cannot write now; trying again may help.

    With *retry_after* it asks to be left alone for so many seconds.
    """

    code = "unreachable"

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class LeaseLost(QueueError):
    """The item is no longer held by the one who writes: its fencing token is stale.

    With *ended* the item has ended meanwhile, so that nothing of it may run any more.
    """

    code = "lease_lost"

    def __init__(self, message: str, *, ended: bool = False) -> None:
        super().__init__(message)
        self.ended = ended


class LaunchError(LaunchkitError):
    """One launch failed; the others go on. `verdict` is the code that its item gets."""

    code = "launch_failed"


class Rejected(LaunchError):
    """A rule of the queue, the policy, a plugin or the runner says no."""

    code = "rejected"


class FetchError(LaunchError):
    """The source could not be fetched."""

    code = "fetch_failed"


class BuildError(LaunchError):
    """The image could not be built."""

    code = "build_failed"


class SubmitError(LaunchError):
    """The runner could not start it."""

    code = "submit_failed"


class NotYet(SubmitError):
    """What `prepare` has waited for was taken by somebody else meanwhile, and nothing was started:
    it is to be prepared again.
    """


class StartTimeout(LaunchError):
    """It was submitted but did not start in time."""

    code = "start_timeout"


class RunTimeout(LaunchError):
    """It ran longer than it may."""

    code = "run_timeout"


class RunLost(LaunchError):
    """The infrastructure no longer knows the run, and how it ended cannot be told."""

    code = "run_lost"


class OthersRun(RunLost):
    """What is on record as a launch's run is the run of another one, which is left alone."""


class Elsewhere(LaunchError):
    """What is on record as a launch's run is at a place where this runner cannot look. No verdict,
    and no `RunLost`, after which a run that was being submitted is submitted again: it may run
    there. It is looked at again until somebody wants the launch to end.
    """

    code = "run_lost"


def told(exc: Exception) -> str:
    """What an exception says: our own, and those of the system, in words; a foreign one, whose
    text alone may say nothing, with its type. Without the secrets that are known where it is told.
    """
    is_plain = isinstance(exc, LaunchkitError | OSError) and str(exc)
    return without_known(str(exc) if is_plain else shown(exc))


def shown(value: object) -> str:
    """What foreign code has for the `repr` of a value; its type alone if it fails at that."""
    try:
        with contained_call():
            return repr(value)
    except Exception:  # noqa: BLE001 - foreign code may raise anything
        return f"<{type(value).__name__}>"


def source(exc: Exception) -> str:
    """Whose fault a foreign exception is, as far as it was noted; else nothing."""
    return ", ".join(getattr(exc, "__notes__", ())[:1])


class contained_call:  # noqa: N801 - reads as a verb: with contained_call()
    """Let foreign code that raises what would end the program fail as with any other exception: it
    is in no position to decide that. Interruption passes.
    """

    def __enter__(self) -> None:
        """Nothing is needed before."""

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: object
    ) -> Literal[False]:
        if exc is None or isinstance(exc, Exception) or self._passes(exc):
            return False
        if isinstance(exc, SystemExit):
            raise RuntimeError(f"it called sys.exit({shown(exc.code)})") from exc  # noqa: TRY004 - no type is wrong
        raise RuntimeError(f"it raised {shown(exc)}") from exc

    def _passes(self, exc: BaseException) -> bool:
        return _has(exc, KeyboardInterrupt)


class contained(contained_call):  # noqa: N801 - reads as a verb: with contained()
    """The same of what is awaited, where the end of a generator passes too, and a cancellation that
    this task was asked for: foreign code may also raise that of another task, which it has awaited.
    """

    def __enter__(self) -> None:
        """Note how often the task was cancelled natively, and knows it."""
        from asyncio import current_task

        task = current_task()
        is_told_later = getattr(task, "_must_cancel", False)  # at its next await
        self._known = 0 if task is None or is_told_later else task.cancelling()

    def _passes(self, exc: BaseException) -> bool:
        from asyncio import CancelledError

        if _has(exc, KeyboardInterrupt, GeneratorExit):
            return True
        return _has(exc, CancelledError) and self._is_asked_for()

    def _is_asked_for(self) -> bool:
        from asyncio import current_task
        from math import inf

        from anyio import current_effective_deadline

        task = current_task()
        natively = task is not None and task.cancelling() > self._known
        return natively or current_effective_deadline() == -inf


def _has(exc: BaseException, *kinds: type[BaseException]) -> bool:
    group = exc if isinstance(exc, BaseExceptionGroup) else BaseExceptionGroup("", [exc])
    return group.subgroup(kinds) is not None


class unwrapped:  # noqa: N801 - reads as a verb: with unwrapped()
    """Let an exception that leaves a task group alone out as itself, not as a group of one; of
    several the loss of the lease, beside which nothing else matters to one who held it; and of
    several of launchkit's own the first, as where two look for one run that is gone.
    """

    def __enter__(self) -> None:
        """Nothing is needed before."""

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: object
    ) -> Literal[False]:
        if not isinstance(exc, BaseExceptionGroup):
            return False
        inner: BaseException = exc
        while isinstance(inner, BaseExceptionGroup) and len(inner.exceptions) == 1:
            inner = inner.exceptions[0]
        if isinstance(inner, BaseExceptionGroup):
            inner = _chosen(inner)
        raise inner from inner.__cause__


def _chosen(group: BaseExceptionGroup[BaseException]) -> BaseException:
    if losses := group.subgroup(LeaseLost):
        return _first_of(losses)
    return group if group.split(LaunchkitError)[1] else _first_of(group)


def _first_of(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
