"""Exceptions that leave a task group."""

import pytest

from launchkit.errors import LeaseLost, unwrapped


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
