"""Exceptions that leave a task group."""

import pytest

from launchkit.errors import LeaseLost, RunLost, Unreachable, unwrapped


def test_one_alone_comes_out_as_itself() -> None:
    with pytest.raises(ZeroDivisionError), unwrapped():
        raise ExceptionGroup("outer", [ExceptionGroup("inner", [ZeroDivisionError()])])


def test_several_stay_together() -> None:
    with pytest.raises(ExceptionGroup), unwrapped():
        raise ExceptionGroup("both", [ZeroDivisionError(), KeyError()])


def test_of_several_the_loss_of_the_lease_comes_out() -> None:
    inner = ExceptionGroup("inner", [LeaseLost("to another", ended=True), LeaseLost("too")])
    with pytest.raises(LeaseLost, match="to another"), unwrapped():
        raise ExceptionGroup("both", [ZeroDivisionError(), inner])


def test_of_several_of_our_own_the_first_comes_out() -> None:
    with pytest.raises(RunLost, match="first"), unwrapped():
        raise ExceptionGroup("both", [RunLost("first"), ExceptionGroup("in", [Unreachable("two")])])
    with pytest.raises(ExceptionGroup), unwrapped():
        raise ExceptionGroup("both", [RunLost("first"), ZeroDivisionError()])
