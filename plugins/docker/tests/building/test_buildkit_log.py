"""What is shown and kept of the messages of BuildKit."""

import tracemalloc
from base64 import b64encode

import pytest
from launchkit_docker.build.buildkit_log import MOST_FOLLOWED, BuildKitLog
from launchkit_docker.build.trace import Step, read_trace

from launchkit.errors import BuildError


def varint(number: int) -> bytes:
    more = number >> 7
    return bytes([number & 0x7F | 0x80]) + varint(more) if more else bytes([number])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def time(seconds: float) -> bytes:
    return field(1, int(seconds)) + field(2, int(seconds % 1 * 1e9))


def step(name: str, *, start: float = 0, end: float = 0, **more: str | bool) -> bytes:
    data = field(1, f"sha256:{name}") + field(3, name)
    data += field(5, time(start)) if start else b""
    data += field(6, time(end)) if end else b""
    data += field(4, 1) if more.get("cached") else b""
    return field(1, data + (field(7, str(more["error"])) if "error" in more else b""))


def prints(name: str, data: bytes) -> bytes:
    return field(3, field(1, f"sha256:{name}") + field(2, time(1)) + field(3, 1) + field(4, data))


def message(*news: bytes) -> dict[str, object]:
    return {"id": "moby.buildkit.trace", "aux": b64encode(b"".join(news)).decode()}


def shown(*news: bytes) -> list[str]:
    log = BuildKitLog()
    return "".join(log.take(message(each)).decode() for each in news).splitlines()


def fails(reason: str, *news: bytes) -> BuildError:
    log = BuildKitLog()
    log.take(message(*news))
    with pytest.raises(BuildError) as caught:
        log.take({"errorDetail": {"message": reason}, "error": reason})
    return caught.value


def test_steps_are_shown_as_they_begin_print_and_end() -> None:
    assert shown(
        step("[1/2] FROM a") + step("[2/2] RUN make"),
        step("[1/2] FROM a", start=100, end=100, cached=True),
        step("[2/2] RUN make", start=100.5),
        prints("[2/2] RUN make", b"\x1b[91mred\x1b[0m\n50%\r100"),
        prints("[2/2] RUN make", b"%\n\nno end \xc3"),
        prints("[2/2] RUN make", b"\xa9"),
        step("[2/2] RUN make", start=100.5, end=102),
        step("[2/2] RUN make", start=100.5, end=102),
    ) == [
        "#1 [1/2] FROM a",
        "#1 CACHED",
        "#2 [2/2] RUN make",
        "#2 red",
        "#2 50%",
        "#2 100%",
        "#2 no end é",
        "#2 DONE 1.5 s",
    ]


def test_what_buildkit_does_for_itself_is_shown_only_if_it_fails() -> None:
    name = "[internal] load metadata"
    assert shown(step(name, start=1, end=2), step("copy /context /", start=1, end=2)) == []
    assert shown(step(name, start=1, end=2, error="no such image")) == ["#1 ERROR no such image"]


def test_messages_of_other_kinds_are_shown_as_they_are_or_not_at_all() -> None:
    log = BuildKitLog()
    assert log.take({"stream": "Successfully tagged a:1\n"}) == b"Successfully tagged a:1\n"
    assert log.take({"id": "moby.image.id", "aux": {"ID": "sha256:1"}}) == b""


@pytest.mark.parametrize(
    "aux", ["?", "/w==", *(b64encode(data).decode() for data in (b"\x0a\x7f", b"\x0b", b"\x80"))]
)
def test_a_message_that_cannot_be_read_is_passed_over(aux: str) -> None:
    assert BuildKitLog().take({"id": "moby.buildkit.trace", "aux": aux}) == b""


def test_fields_that_are_not_known_are_passed_over() -> None:
    fixed = varint(9 << 3 | 5) + bytes(4) + varint(10 << 3 | 1) + bytes(8)
    data = field(1, fixed + field(1, "key") + field(99, "new") + field(3, "name")) + field(2, "x")
    assert [*read_trace(data)] == [Step(key="key", name="name")]


def test_a_failure_has_its_step_and_only_the_lines_of_that_step() -> None:
    reason = 'process "make" did not complete successfully: exit code: 2'
    error = fails(
        f"failed to solve: {reason}",
        prints("[1/3] RUN other", b"early\n"),
        step("[1/3] RUN other", start=1, end=2, error="context canceled"),
        prints("[2/3] RUN make", b"late\n"),
        step("[2/3] RUN make", start=1, end=2, error=reason),
    )
    assert error.message == "the image could not be built: [2/3] RUN make: exit code: 2\n  late"


def test_a_failure_without_a_step_has_its_reason() -> None:
    error = fails("failed to solve: dockerfile parse error line 3: unknown instruction: FLY")
    assert error.message.endswith(
        "be built: failed to solve: dockerfile parse error line 3: unknown instruction: FLY"
    )
    assert error.hint == "correct the Dockerfile"


@pytest.mark.parametrize(
    ("step_of", "hinted"), [("resolve image config for r.io/x:1", True), ("[2/2] RUN pip", False)]
)
def test_advice_about_logins_is_given_where_buildkit_pulls(step_of: str, hinted: bool) -> None:
    reason = "401 Unauthorized" if hinted else "exit code: 1"
    news = prints(step_of, b"401 Unauthorized\n") + step(step_of, start=1, end=2, error=reason)
    assert ("buildkit: false" in (fails(reason, news).hint or "")) == hinted


def test_a_line_that_does_not_end_is_shown_in_pieces() -> None:
    pieces = [prints("a", b"x" * 10_000) for _ in range(1000)]
    _, *lines = shown(step("a", start=1), *pieces)
    assert len(lines) > 100
    assert max(map(len, lines)) < 100_000
    assert {*"".join(line.removeprefix("#1 ") for line in lines)} == {"x"}


def test_a_step_without_measure_is_named_in_short() -> None:
    error = fails("it went wrong: exit code: 1", step("x" * 1_000_000, start=1, error="it went"))
    assert len(error.message) < 3000


def fails_at_length(number: int) -> bytes:
    error = f"{number}{'x' * 1_000_000}"
    return step(f"RUN {number}", start=1, error=error)


def test_what_is_kept_of_steps_that_fail_has_a_bound() -> None:
    log = BuildKitLog()
    tracemalloc.start()
    for number in range(50):
        assert len(log.take(message(fails_at_length(number)))) < 10_000
    now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now < 500_000
    error = log.failure(f"failed to solve: 7{'x' * 1_000_000}")
    assert error.message.startswith("the image could not be built: RUN 7: ")
    assert len(error.message) < 10_000


def test_what_buildkit_calls_no_step_by_is_passed_over() -> None:
    data = field(1, "k" * 1000) + field(3, "RUN make") + field(5, time(1))
    assert shown(field(1, data), field(3, field(1, "k" * 1000) + field(4, b"out\n"))) == []


def test_a_long_line_that_ends_is_shown_in_pieces() -> None:
    _, *lines = shown(step("a", start=1), prints("a", b"x" * 1_000_000 + b"\n"))
    assert max(map(len, lines)) < 100_000
    assert sum(len(line.removeprefix("#1 ")) for line in lines) == 1_000_000


def test_what_a_step_printed_is_let_go_of_once_it_has_ended_well() -> None:
    log = BuildKitLog()
    text = b"x" * 15_000
    tracemalloc.start()
    for number in range(200):
        name = f"RUN {number}"
        log.take(message(step(name, start=1), prints(name, text)))
        log.take(message(step(name, start=1, end=2), prints(name, text + b"\n" + text)))
    now, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now < 500_000


def test_of_very_many_steps_the_first_are_shown() -> None:
    news = [step(f"RUN {number}", start=1) for number in range(MOST_FOLLOWED + 5)]
    lines = shown(*news, prints(f"RUN {MOST_FOLLOWED + 1}", b"more\n"), prints("RUN 7", b"seven\n"))
    assert len(lines) == MOST_FOLLOWED + 1
    assert lines[-1] == "#8 seven"


def test_what_a_step_says_last_may_come_after_its_end() -> None:
    name = "RUN true"
    news = step(name, start=1, end=2) + prints(name, b"no end")
    assert shown(news) == ["#1 RUN true", "#1 DONE 1.0 s", "#1 no end"]


def test_a_step_that_ended_well_and_fails_when_it_begins_again_has_its_lines() -> None:
    name = "ADD https://example.com/x.git"
    error = fails(
        "it went wrong",
        step(name, start=1, end=2),
        step(name, start=3),
        prints(name, b"fatal: gone\n"),
        step(name, start=3, end=4, error="it went wrong"),
    )
    assert error.message.endswith("it went wrong\n  fatal: gone")
