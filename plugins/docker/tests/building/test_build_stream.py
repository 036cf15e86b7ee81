"""What is shown and kept of the messages of the Engine."""

import pytest
from launchkit_docker.build.log import BuildLog

from launchkit.errors import BuildError
from launchkit.plain_text import LINES, TAIL_BYTES


def fails(*messages: dict[str, object], reason: str = "it went wrong") -> BuildError:
    log = BuildLog()
    for message in messages:
        log.take(message)
    with pytest.raises(BuildError) as caught:
        log.take({"errorDetail": {"code": 1, "message": reason}, "error": reason})
    return caught.value


def says(text: str) -> dict[str, object]:
    return {"stream": text}


def test_output_is_shown_as_it_is_but_for_its_colours() -> None:
    assert BuildLog().take(says("\x1b[91mbroken\n\x1b[0m")) == b"broken\n"


def test_each_state_of_a_layer_is_shown_once_and_its_bars_never() -> None:
    log = BuildLog()
    layer = {"id": "abc", "status": "Downloading", "progress": "[=> ] 1/9"}
    assert [log.take(layer), log.take(layer)] == [b"abc: Downloading\n", b""]
    assert log.take({"id": "abc", "status": "Pull complete"}) == b"abc: Pull complete\n"


def test_what_is_no_text_is_not_shown() -> None:
    assert BuildLog().take({"aux": {"ID": "sha256:1"}}) == b""


def test_a_failure_has_its_step_and_only_the_lines_of_that_step() -> None:
    error = fails(
        says("Step 1/2 : FROM scratch"),
        says("\n"),
        says(" ---> 123\n"),
        says("early\n"),
        says("Step 2/2 : RUN make"),
        says("la"),
        says("te\n"),
    )
    assert error.message == (
        "the image could not be built: Step 2/2 : RUN make: it went wrong\n  late"
    )


def test_of_long_output_the_end_is_kept() -> None:
    lines = fails(*[says(f"line {n}\n") for n in range(3000)]).message.splitlines()
    assert lines[1:] == [f"  line {n}" for n in range(3000 - LINES, 3000)]


def test_a_failure_without_measure_is_told_in_short() -> None:
    step = says(f"Step 1/1 : RUN {'x' * 1_000_000}")
    error = fails(step, says("\x1b]" * 500_000), reason="denied " * 150_000)
    assert "Step 1/1 : RUN … (" in error.message
    assert "denied" in error.message
    assert "\x1b" not in error.message
    assert len(error.message) < 6000


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("exec /bin/sh: exec format error", "emulation"),
        ("write /x: no space left on device", "disk space"),
        ("the --mount option requires BuildKit", "buildkit: true"),
        ("error: command 'gcc' failed: No such file or directory", "apt-get install -y gcc"),
    ],
)
def test_a_known_failure_comes_with_advice(reason: str, hint: str) -> None:
    assert hint in (fails(reason=reason).hint or "")


def test_the_printed_lines_of_a_step_say_where_they_were_cut() -> None:
    rest = f"\n{'x' * (TAIL_BYTES - 10)}"
    error = fails(says("Step 1/1 : RUN make"), says("begin-0123456789-end"), says(rest))
    assert error.message.splitlines()[1:] == ["  …", f"  … ({TAIL_BYTES - 10} characters)"]
