"""The suite for runners: what a run prints."""

import anyio
import anyio.lowlevel
import pytest

from launchkit.abc import Run, Runner
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.runner_case import RunnerCase
from launchkit.testing.contracts.workload import Workload

TEXT = "".join(f"line {number} of the output\n" for number in range(2000))


class RunLogs(RunnerCase):
    """`logs`, of a runner whose class does not say that it gives none."""

    async def test_logs_are_complete_from_any_offset_and_end(
        self, runner: Runner, workload: Workload
    ) -> None:
        """A later agent goes on reading where the first one stopped."""
        self.needs_logs()
        text = TEXT.encode()
        run = await self.submitted(runner, workload.prints(TEXT))
        assert await self.output(run) == text, "logs gives all output, each byte once"
        await self.ended(run)
        for offset in (0, 7, 4096, len(text) - 1, len(text)):
            given = await self.output(run, offset)
            assert given == text[offset:], "logs gives all output from the offset on"
        await self.closed(run)

    async def test_logs_go_on_while_a_run_is_silent(
        self, runner: Runner, workload: Workload
    ) -> None:
        """The end of the output is the end of the run.

        What goes to the error stream has no place among what goes to the other one.
        """
        self.needs_logs()
        script = "echo one; sleep 2; echo two; sleep 1; echo three >&2"
        run = await self.submitted(runner, self.shell(workload, script))
        said = await self.output(run)
        assert b"three\n" in said, "logs ends when the run has ended"
        assert said.replace(b"three\n", b"") == b"one\ntwo\n", "logs gives bytes as printed"
        await self.closed(run)

    async def test_logs_are_bytes_as_they_were_printed(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Progress bars, other encodings, and a last line without its end."""
        self.needs_logs()
        octal, odd = (r"\377\376", b"\xff\xfe") if self.keeps_bytes else ("", b"")
        script = rf"printf 'a\r\n\n{octal} \000 \033[0m  end'"
        run = await self.submitted(runner, self.shell(workload, script))
        said = await self.output(run)
        end = self.last_end.encode()
        assert said == b"a\r\n\n%b \0 \x1b[0m  end%b" % (odd, end), "logs gives bytes as printed"
        await self.closed(run)

    async def test_much_output_comes_whole(self, runner: Runner, workload: Workload) -> None:
        """In pieces of any size."""
        self.needs_logs()
        piece, echo = 99991 * b"\0" + self.last_end.encode(), "echo;" if self.gives_lines else ""
        script = f"i=0; while [ $i -lt 32 ]; do head -c 99991 /dev/zero; {echo} i=$((i+1)); done"
        run = await self.submitted(runner, self.shell(workload, f"{script}; printf end"))
        said = await self.output(run)
        whole = said == 32 * piece + b"end" + self.last_end.encode()
        assert whole, "logs gives all of much output, each byte once, until the run has ended"
        await self.closed(run)

    async def test_a_silent_run_has_empty_logs(self, runner: Runner, workload: Workload) -> None:
        """They end with it, without an error."""
        run = await self.submitted(runner, workload.exits(0))
        assert await self.output(run) == b"", "the logs of a silent run are empty"
        await self.closed(run)

    async def test_logs_end_when_the_run_is_cancelled(
        self, runner: Runner, workload: Workload
    ) -> None:
        """Its last words come with them, and no error."""
        run = await self.submitted(runner, workload.waits())
        await self.running(run)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.output, run)
            await anyio.lowlevel.checkpoint()  # it begins to read
            await self.cancelled(run)
        await self.closed(run)

    async def test_reading_logs_may_be_given_up_at_any_time(
        self, runner: Runner, workload: Workload
    ) -> None:
        """An agent that loses its claim stops to read; the run goes on, and so does another."""
        self.needs_logs()
        run = await self.submitted(runner, workload.waits())
        await self.running(run)
        for _ in range(2):
            with within(self.patience, "logs can be cancelled"):
                with anyio.move_on_after(0.3) as scope:
                    await self.output(run)
                    pytest.fail("logs goes on while the run lives, but it ended", pytrace=False)
            assert scope.cancelled_caught, "logs passes cancellation on, but it swallowed it"
        assert not (await self.now(run)).state.ended, "who stops reading does not end the run"
        await self.cancelled(run)
        assert await self.output(run) == b"", "the logs of a silent run are empty"
        await self.closed(run)

    async def test_two_may_read_the_logs_at_once(self, runner: Runner, workload: Workload) -> None:
        """Each gets all."""
        self.needs_logs()
        run = await self.submitted(runner, workload.prints(TEXT))
        read: list[bytes] = []

        async def reader() -> None:
            read.append(await self.output(run))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reader)
            tasks.start_soon(reader)
        assert read == [TEXT.encode()] * 2, "each of two readers gets all output"
        await self.closed(run)

    async def test_the_logs_of_runs_are_not_mixed(self, runner: Runner, workload: Workload) -> None:
        """Each has its own."""
        self.needs_logs()
        runs: list[Run] = [
            await self.submitted(runner, workload.prints(text)) for text in ("one\n", "two\n")
        ]
        said = [await self.output(run) for run in runs]
        assert said == [b"one\n", b"two\n"], "logs gives the output of its own run"
        for run in runs:
            await self.ended(run)
            await self.closed(run)
