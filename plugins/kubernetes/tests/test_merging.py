"""Lines of several containers, of which long ones come in pieces."""

from launchkit_kubernetes.runs.log_place import LogPlace
from launchkit_kubernetes.runs.merging import AT_ONCE_BYTES, Merge
from launchkit_kubernetes.runs.streams import Stream

A, B = Stream("pod", "a"), Stream("pod", "b")


def merge_of(*pieces: tuple[Stream, int, bytes]) -> Merge:
    merge = Merge(LogPlace())
    for stream, time_ns, data in pieces:
        merge._wait(stream, time_ns, data)
        merge._read[stream] = time_ns, len(data)
    return merge


def test_the_pieces_of_a_line_stay_together() -> None:
    merge = merge_of((A, 1, b"one "), (A, 3, b"line\n"), (B, 2, b"another\n"))
    given = b"".join(merge.ready(all_of_it=False))
    assert given == b"pod/a | one line\npod/b | another\n"


def test_a_line_whose_rest_is_to_come_is_waited_for_and_others_are_given() -> None:
    merge = merge_of((A, 1, b"one "), (B, 2, b"another\n"))
    assert merge.ready(all_of_it=False) == [b"pod/b | another\n"]
    merge._wait(A, 3, b"line\n")
    assert b"".join(merge.ready(all_of_it=False)) == b"pod/a | one line\n"


def test_a_line_without_an_end_is_given_when_it_is_too_long_and_when_all_is() -> None:
    long = b"x" * AT_ONCE_BYTES
    merge = merge_of((A, 1, long), (B, 2, b"another"))
    assert merge.ready(all_of_it=False) == [b"pod/a | " + long]
    assert merge.ready(all_of_it=True) == [b"pod/b | another"]
