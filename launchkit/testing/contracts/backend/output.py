"""What runs print, and packed code."""

import os

import pytest

from launchkit.errors import NotFound
from launchkit.model import ItemState, LogPage
from launchkit.testing.contracts.backend.fixtures import ServiceContract
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.service import HOUR, PAUSE, Service, packed, pieces_of


class OutputContract(ServiceContract):
    """What `append_log`, `log_size` and `archive` promise, and what users read then."""

    async def test_a_log_is_kept_by_offset_without_gaps_or_repeats(self, service: Service) -> None:
        """An append whose answer was lost is repeated, and may overlap."""
        await service.queue()
        claim = await service.started()
        for offset, data in (
            (0, b"one "),
            (0, b"one "),
            (2, b"e two"),
            (7, b"\xff\x00\n"),
            (1, b"ne"),
        ):
            await service.backend.append_log(claim, offset, data)
        page = await service.page(claim)
        assert (page.size, page.complete) == (10, False), "the log of what runs is not complete"
        await service.report(claim, ItemState.FINISHED)
        assert await service.log(claim.item) == b"one two\xff\x00\n", (
            "a log is kept byte for byte, and what is stored already is skipped"
        )

    async def test_a_long_log_is_read_in_pieces_from_any_offset(self, service: Service) -> None:
        """As it was printed."""
        await service.queue()
        claim = await service.started()
        whole = b"".join(b"%05d\n" % number for number in range(30_000))
        for offset in range(0, len(whole), 50_000):
            await service.backend.append_log(claim, offset, whole[offset : offset + 50_000])
        await service.report(claim, ItemState.FINISHED)
        assert await service.log(claim.item) == whole, "a long log is kept whole"
        for offset in (1, 49_999, 50_000, 123_456, len(whole) - 1):
            page = await service.logs.read(claim.item.id, None, offset, 0)
            assert page.size == len(whole), "a page tells how long the whole log is"
            assert page.data, "there is a piece at each offset below the size"
            assert whole[offset:].startswith(page.data), "a piece begins at the offset asked for"
        page = await service.logs.read(claim.item.id, None, len(whole), 0)
        assert (page.data, page.complete) == (b"", True), "a log ends where it ends"

    async def test_logs_of_attempts_and_items_are_kept_apart(self, service: Service) -> None:
        """The latest attempt is what is read, unless another is asked for."""
        await service.queue()
        first = await service.started("mine")
        other = await service.started("other")
        await service.backend.append_log(first, 0, b"first")
        await service.backend.append_log(other, 0, b"something else")
        await service.requeue(first, next_attempt=True)
        second = await service.claim()
        page = await service.page(second)
        assert (page.data, page.size, page.complete) == (b"", 0, False), (
            "the log of a new attempt is empty"
        )
        await service.backend.append_log(second, 0, b"2nd")
        assert await service.log(first.item, 1) == b"first", (
            "the log of an attempt that is over is complete, and read by its number"
        )
        await service.report(second, ItemState.FINISHED)
        assert await service.log(first.item) == b"2nd", "the latest attempt is read"
        assert await service.log(first.item, 2) == b"2nd", "an attempt is read by its number"
        assert (await service.page(other)).data == b"something else", "each item has its own log"

    async def test_one_who_takes_over_goes_on_where_the_log_ends(self, service: Service) -> None:
        """`log_size` tells where, for the attempt of the claim."""
        if not self.tells_log_size:
            pytest.skip("the backend does not tell the size of logs")
        await service.queue()
        first = await service.started()
        assert await service.backend.log_size(first) == 0, "the log of a new run is empty"
        await service.backend.append_log(first, 0, b"one ")
        await service.backend.append_log(first, 4, b"two")
        assert await service.backend.log_size(first) == 7, "`log_size` counts what is stored"
        await service.lapse(first)
        second = await service.claim("b")
        assert await service.backend.log_size(second) == 7, "a take-over keeps the log"
        await service.requeue(second, next_attempt=True)
        third = await service.claim("c")
        assert await service.backend.log_size(third) == 0, "a new attempt has a log of its own"

    async def test_a_take_over_keeps_the_log(self, service: Service) -> None:
        """What both agents sent is one log."""
        await service.queue()
        first = await service.started()
        await service.backend.append_log(first, 0, b"one ")
        await service.lapse(first)
        second = await service.claim("b")
        await service.backend.append_log(second, 0, b"one two")
        await service.report(second, ItemState.FINISHED)
        assert await service.log(first.item) == b"one two", "a take-over goes on with the log"

    async def test_one_who_reads_is_woken_by_output_and_by_the_end(self, service: Service) -> None:
        """A log is followed without asking again and again."""
        await service.queue()
        claim = await service.started()
        pages: list[LogPage] = []
        read = service.hub.logs().read

        async def listen() -> None:
            while not pages or not (pages[-1].data or pages[-1].complete):
                size = sum(len(page.data) for page in pages)
                pages.append(await read(claim.item.id, None, size, HOUR))

        async def prints() -> None:
            await service.raw.append_log(claim, 0, b"text")

        async def ends() -> None:
            await service.report(claim, ItemState.FINISHED)

        await service.woken("output wakes who reads a log", listen, prints)
        assert pages[-1].data == b"text", "who waits for a log gets the output that wakes it"
        pages.append(LogPage(offset=0, data=b"", size=4, complete=False))
        await service.woken("the end of a run wakes who reads its log", listen, ends)
        assert pages[-1].complete, "the log of what has ended is complete"

    async def test_a_log_waits_as_long_as_it_is_told_and_no_longer(self, service: Service) -> None:
        """While nothing is printed."""
        await service.queue()
        claim = await service.started()
        await service.waits("reading a log", lambda: service.page(claim, PAUSE))

    async def test_what_is_there_is_read_at_once(self, service: Service) -> None:
        """However long the reader would wait."""
        await service.queue()
        claim = await service.started()
        await service.backend.append_log(claim, 0, b"text")
        with service.within("a log that has something gives it without waiting"):
            assert (await service.page(claim, HOUR)).data == b"text", (
                "what is there is read at once"
            )
        await service.report(claim, ItemState.FINISHED)
        with service.within("the end of a log is told without waiting"):
            assert (await service.logs.read(claim.item.id, None, 4, HOUR)).complete, (
                "the end of a log that is complete is told at once"
            )

    async def test_an_archive_comes_back_byte_for_byte_and_an_unknown_one_is_not_found(
        self, service: Service
    ) -> None:
        """Packed code goes from the user's machine to the agent's."""
        digest, code = packed(os.urandom(600_000))
        other, other_code = packed(b"other")
        pieces = [code[at : at + 50_000] for at in range(0, len(code), 50_000)]
        with refused(NotFound, "unknown code is not found"):
            [piece async for piece in service.backend.archive(digest)]
        await service.jobs.put_archive(digest, pieces_of(pieces))
        await service.jobs.put_archive(other, pieces_of([other_code]))
        got = b"".join([piece async for piece in service.backend.archive(digest)])
        assert got == code, "packed code comes back byte for byte"

    async def test_an_archive_that_broke_off_is_not_found(self, service: Service) -> None:
        """Half a code directory is not run; a new upload is whole."""
        digest, code = packed(b"one two three")
        with refused(ConnectionError, "an upload that breaks off says so"):
            await service.jobs.put_archive(digest, pieces_of([code[:5], code[5:9]], broken=True))
        with refused(NotFound, "code that was not uploaded whole is not found"):
            [piece async for piece in service.backend.archive(digest)]
        await service.jobs.put_archive(digest, pieces_of([code[:5], code[5:9], code[9:]]))
        got = b"".join([piece async for piece in service.backend.archive(digest)])
        assert got == code, "an upload that is repeated is whole"
