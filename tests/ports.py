"""Ports for servers that a test starts by itself."""

import random
import socket
from contextlib import suppress

PORTS = range(10_000, 30_000)
"""Below those that the kernel gives to whom asks for any: it takes none of them for a client while
a server is not begun yet, or is begun anew.
"""
CHANCE = random.SystemRandom()
"""Test runs that go on at the same time may have seeded the usual one alike."""


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    for port in CHANCE.sample(PORTS, len(PORTS)):
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
