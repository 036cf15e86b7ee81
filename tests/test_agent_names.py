"""What an agent may be called, and what it calls itself."""

import pytest

from launchkit.model.names import agent_name_of, is_agent_name


@pytest.mark.parametrize("name", ["", "-a", ".a", "a/b", "a b", "a\n", "a$b", "é", "a" * 129])
def test_what_could_be_taken_for_more_than_a_name_is_none(name: str) -> None:
    assert not is_agent_name(name)


@pytest.mark.parametrize("name", ["a", "box-1", "my_host.example.com-0a1b2c", "a" * 128])
def test_what_hosts_are_called_is_a_name(name: str) -> None:
    assert is_agent_name(name)


@pytest.mark.parametrize("host", ["", "box", "_x", "Ann's Mac", "größe", "a/b", "$(x)", "h" * 300])
def test_an_agent_makes_up_a_name_that_it_may_have_whatever_its_host_is_called(host: str) -> None:
    assert is_agent_name(agent_name_of(host, "0a1b2c"))
