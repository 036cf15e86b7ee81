"""News across processes: each process that waits has a datagram socket beside the database file,
and one that has written sends its topics to all of them.

A process that dies leaves a socket that nobody reads; the next sender removes it. Who cannot be
reached this way (another user's process, say) is served by the slow look at the database.
"""

import contextlib
import itertools
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import anyio

from launchkit.private_files import FOLDER
from launchkit.store.access import Access, keep_socket_to, keep_to

_numbers = itertools.count()
_SIZE = 65_536
_NO_LINK = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class DatagramNotifier:
    """The sockets of one database, for those who have *access* to it: `send` reaches the other
    processes that `receive`.
    """

    def __init__(self, folder: Path, access: Access) -> None:
        self._folder = folder
        self._access = access
        self._own = f"{os.getpid()}-{next(_numbers)}"
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.setblocking(False)

    def close(self) -> None:
        """Release the sending socket."""
        self._sender.close()

    def send(self, topics: Iterable[str]) -> None:
        """Tell the other processes. Never blocks: who has a full mailbox is awake anyway."""
        try:
            paths = list(self._folder.iterdir())
        except OSError:
            return
        message = "\n".join(topics).encode()[:_SIZE]
        for path in paths:
            if path.name != self._own:
                self._send_to(path, message)

    async def receive(self, notify: Callable[[Iterable[str]], None]) -> None:
        """Call *notify* with the topics that other processes send, until cancelled."""
        with contextlib.ExitStack() as stack:
            try:
                mailbox = self._mailbox(stack)
            except OSError:
                return  # the slow look serves
            while True:
                await anyio.wait_readable(mailbox)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        notify(mailbox.recv(_SIZE).decode(errors="replace").split("\n"))

    def _mailbox(self, stack: contextlib.ExitStack) -> socket.socket:
        self._folder.mkdir(mode=FOLDER, exist_ok=True)
        folder = os.open(self._folder, _NO_LINK)  # as who put one meant another directory's mode
        try:
            keep_to(folder, self._access.folder)
        finally:
            os.close(folder)
        path = self._folder / self._own
        mailbox = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        mailbox.setblocking(False)
        with _short(path) as address:
            mailbox.bind(address)
            keep_socket_to(Path(address), self._access.file)
        stack.callback(path.unlink, missing_ok=True)
        return mailbox

    def _send_to(self, path: Path, message: bytes) -> None:
        try:
            with _short(path) as address:
                self._sender.sendto(message, address)
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):
                if path.is_socket() and not path.is_symlink():  # else it is nobody's mailbox
                    path.unlink()
        except OSError:
            pass  # a full mailbox, or one that is gone


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """An address for *path* within the 108 bytes that a socket's address may have."""
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
