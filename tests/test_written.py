"""What is seen in texts that others read as data."""

import pytest

from launchkit.errors import ConfigError
from launchkit.written import structures, unescaped


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (r'{"host\u0050ath": {"path": "\/"}}', [{"hostPath": {"path": "/"}}]),
        ('{\t"a":\t[1, 2.5]}', [{"a": ["1", "2.5"]}]),
        ("a: 1:59\n---\n- b", [{"a": "1:59"}, ["b"]]),
        ("? a\n: !x {b: c}", [{"a": {"b": "c"}}]),
        ("? [a, b]\n: c", [{"['a', 'b']": "c"}]),
        ("x: &x hostPath\n*x : b", [{"x": "hostPath", "hostPath": "b"}]),
        ('{"a":"b"}\ud800', []),
        ("a: \ud800", [{"a": "\ufffd"}]),
        ("a plain text", []),
        ("a: b: c", []),
        ('"a: b"', []),
    ],
)
def test_a_text_that_is_json_or_yaml_is_data(text: str, data: list[object]) -> None:
    assert [*structures(text)] == data


@pytest.mark.parametrize("text", ["[" * 100_000, "[" + "a," * 20_000 + "]"])
def test_what_is_too_much_to_be_looked_at_is_told(text: str) -> None:
    with pytest.raises(ConfigError):
        [*structures(text)]


def test_escapes_are_undone() -> None:
    assert unescaped(r"host\u0050\x61\U00000074h\/ \UFFFFFFFF") == r"hostPath/ \UFFFFFFFF"
