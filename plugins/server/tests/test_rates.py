"""What the rates of a queue service cost, however many ask it."""

from typing import Any

import pytest
from launchkit_server.rates import MANY, PROVED, TOKENS_OF_ONE, Askers, Rates

QUEUES = "/api/v1/entities/test/queues"


class Counted(bytes):
    """Somebody who counts how often it is looked at."""

    looks = 0

    def __eq__(self, other: object) -> bool:
        Counted.looks += 1
        return super().__eq__(other)

    def __hash__(self) -> int:
        Counted.looks += 1
        return super().__hash__()


def asked(token: str, who: bytes) -> dict[str, Any]:
    """A request with a token that is proved when it is answered."""
    header = (b"authorization", f"Bearer {token}".encode())
    request = {"type": "http", "path": QUEUES, "client": ("10.0.0.1", 1)}
    return {**request, "headers": [header], "state": {PROVED: who}}


def test_one_more_who_asks_costs_no_look_at_all_others() -> None:
    askers = Askers(rates=Rates(per_second=2.0, clock=lambda: 0.0))
    for number in range(MANY + 10):  # none of their rates is whole yet
        before = Counted.looks
        askers.answered(asked(f"lk_{number}", Counted(b"%d" % number)), 200)
        if number > MANY:  # at this number itself it is looked once who may be forgotten
            assert Counted.looks - before < 20


def test_who_asks_with_many_tokens_loses_the_first_of_them() -> None:
    askers = Askers(rates=Rates(per_second=0.001, clock=lambda: 0.0))

    def is_known(number: int) -> bool:
        return askers.early({**asked(f"lk_{number}", b""), "client": ("10.0.0.2", 1)}) > 0

    for number in range(TOKENS_OF_ONE + 1):
        askers.answered(asked(f"lk_{number}", b"ann"), 200)
    assert [is_known(number) for number in (0, 1, TOKENS_OF_ONE)] == [False, True, True]
    askers.answered(asked("lk_1", b"ann"), 401)
    assert not is_known(TOKENS_OF_ONE + 1)
    askers.answered(asked(f"lk_{TOKENS_OF_ONE + 1}", b"ann"), 200)
    assert [is_known(number) for number in (1, 2, TOKENS_OF_ONE + 1)] == [False, True, True]


def test_a_token_that_is_used_stays_known_however_many_others_are_proved() -> None:
    askers = Askers(rates=Rates(per_second=1000.0, clock=lambda: 0.0))
    mine = asked("lk_mine", b"ann")
    askers.answered(mine, 200)
    for number in range(MANY + MANY // 2):
        askers.answered(asked(f"lk_{number}", b"%d" % number), 200)
        if number == MANY // 2:
            assert not askers.early(mine)
    for _ in range(20_000):  # somebody guesses at the same address
        askers.rates.count(bytes((10, 0, 0, 1)))
    assert not askers.early(mine)
    assert askers.early(asked("lk_0", b"0")) > 0


@pytest.mark.parametrize(
    ("first", "second", "is_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("10.0.0.1", "10.0.0.2", False),
    ],
)
def test_a_network_of_addresses_that_one_may_choose_from_has_one_rate(
    first: str, second: str, is_one: bool
) -> None:
    askers = Askers(rates=Rates(per_second=0.001, clock=lambda: 0.0))

    def early(host: str) -> bool:
        request = {"type": "http", "path": QUEUES, "client": (host, 1), "headers": []}
        return askers.early(request) > 0

    assert not early(first)
    assert early(second) is is_one
