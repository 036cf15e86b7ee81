"""Known secrets are masked in whatever form a command, an option or a message gives them."""

import json
import shlex
import subprocess
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
import yaml

from launchkit.errors import LaunchkitError, hiding
from launchkit.model import Secret
from launchkit.plain_text import LINE_CHARACTERS, shortened, tail_lines
from launchkit.resolving.masking import MOST_ALIKE, MOST_LOOKS, WHITE, Mask
from launchkit.resolving.secret_values import without_values

LONG = "".join(f"{number:04x}" for number in range(0, 65536, 23))


@pytest.mark.parametrize(
    ("secret", "line"),
    [
        ("alpha-key-11111 beta-key-22222", "echo {}"),
        (r"s3cr\et-passphrase-77", "echo {}"),
        (r"a\bcd", "echo {}"),
        (r"first\"part-of-it second\\part-of-it", 'echo "{}"'),
        ("fir'st\"part-of-it 'second\"'part-of-it\"", "echo {}"),
    ],
)
def test_the_words_that_a_secret_becomes_in_a_command_are_masked(secret: str, line: str) -> None:
    told = {"command": shlex.split(line.format(secret))}
    shown = without_values(told, [Secret(secret)])["command"]
    assert shown[0] == "echo"
    assert {*shown[1:]} == {"…"}


@pytest.mark.parametrize("sign", ["=", ":", ";", ","])
def test_what_an_option_splits_a_secret_into_at_one_sign_is_masked_whole(sign: str) -> None:
    secret = f"Server{sign}a;b=c,d:e;f=g,h:i{sign}Db"
    mask = Mask([secret])
    for halves in (secret.split(sign, 1), secret.rsplit(sign, 1)):
        assert "…" in [mask(half) for half in halves]
        assert {"…", "Server", "Db"} >= {mask(half) for half in halves}


def test_a_long_secret_is_masked_in_capitals_and_small_letters() -> None:
    secret = "https://bot:S3cr3t'é@hooks.example.io/T0"
    mask = Mask([secret, "Password", "AbcDefGh-123456-xyZ"])
    for text in (secret.upper(), secret.lower(), repr(secret).upper(), "abcdefgh-123456-XYZ"):
        assert mask(f"İ CAP_{text}!").replace('"', "") == "İ CAP_…!", text
    assert mask("DB_PASSWORD is Password, password") == "DB_PASSWORD is …, password"


@pytest.mark.parametrize(
    "secret", ["Weiß-und-Straße-1234", "ΟΔΥΣΣΕΥΣ.αβγδεζη.ΣΣ", "ﬁnd-ŉ-ıİ-1234567"]
)
def test_a_long_secret_is_masked_whatever_its_letters_become_in_capitals(secret: str) -> None:
    mask = Mask([secret])
    for text in (secret.upper(), secret.lower(), secret.casefold(), secret.swapcase()):
        assert mask(f"İß {text}{text.lower()} ß") == "İß …… ß", text


@pytest.mark.parametrize("sign", [",", "=", ":", ";", ", "])
def test_what_an_option_splits_a_secret_into_is_masked(sign: str) -> None:
    secret = sign.join(["first-part", "second-part"])
    told = {"Labels": {"first-part": "second-part", "…": "x", "other": "second-part!"}}
    shown = without_values(told, [Secret(secret)])
    assert shown == {"Labels": {"…": "…", "……": "x", "other": "…!"}}


def test_a_secret_in_the_key_of_a_mapping_is_masked_and_no_entry_is_lost() -> None:
    told = {"request": {"hush-a": 1, "hush-b": 2, "c": {"x-hush-a": 3}}}
    shown = without_values(told, ["hush-a", "hush-b"])
    assert shown == {"request": {"…": 1, "……": 2, "c": {"x-…": 3}}}


@pytest.mark.parametrize("text", ["{}", "token {} is refused", "'{}': unknown field", "a=1,p={},b"])
@pytest.mark.parametrize("characters", [60, 100, LINE_CHARACTERS, 2000])
def test_what_is_left_of_a_secret_where_a_text_was_shortened_is_masked(
    text: str, characters: int
) -> None:
    words = [LONG[at : at + 40] for at in range(0, len(LONG), 40)]
    for secret in (LONG, " ".join(words), "\n".join(words)):
        shown = Mask([Secret(secret)])(repr(shortened(text.format(secret), characters)))
        assert not [word for word in words if word[:8] in shown or word[-8:] in shown]


def test_of_a_secret_in_a_long_line_and_a_long_output_nothing_is_left() -> None:
    mask = Mask([LONG])
    (line,) = tail_lines(f"login {LONG} was refused".encode())
    assert mask(line) == "login … was refused"
    (line,) = tail_lines(f"{LONG}{LONG} was refused".encode())
    assert mask(line) == "… was refused"


PHRASE = "hunt2r@ correct-horse-battery"


@pytest.mark.parametrize(
    "control",
    [
        *("\x1b[31m", "\x1b[K", "\x1b[01;31m\x1b[K", "\x1b(B", "\x1b]8;;http://x\x1b\\", "\x1b"),
        *("\0", "\b", "\v", "\x0e", "\x1f", "\x85", "\r", "\r\x1b[K", "\0\b\x1b[m"),
        *("\x9b31m", "\x9d8;;http://x\x9c"),
    ],
)
@pytest.mark.parametrize("at", [1, 3, 8, 12])
def test_a_secret_is_found_however_control_characters_stand_in_it(control: str, at: int) -> None:
    mask = Mask([PHRASE])
    printed = f"login {PHRASE[:at]}{control}{PHRASE[at:]} was refused\n"
    assert mask(printed) == "login … was refused\n"
    with hiding(mask):
        assert tail_lines(printed.encode()) == ("login … was refused",)


@pytest.mark.parametrize("write", [json.dumps, quote])
def test_a_print_of_a_secret_is_found_however_it_is_coloured(write: Callable[[str], str]) -> None:
    secret = "a'b \"c\\d"
    coloured = "".join(f"\x1b[3{at % 8}m\x1b[K{one}" for at, one in enumerate(write(secret)))
    with hiding(Mask([secret])):
        (line,) = tail_lines(coloured.encode())
    assert line.strip("'\"") == "…"


@pytest.mark.parametrize(
    "secret", ["pass\x1b[31mword", "pa\bss", "one\x1b[Kline\r\nand two", "k\x851\0x"]
)
def test_a_secret_that_has_control_characters_is_found(secret: str) -> None:
    with hiding(Mask([secret])):
        assert tail_lines(f"is {secret}!".encode()) == ("is …!",)


def test_what_no_secret_is_stays_as_it_is_for_control_characters() -> None:
    text = "\x1b[31mhunt\x1b[0m \x1b[Kcorrect\r\nhorse\b"
    assert Mask([PHRASE])(text) == text


def test_who_writes_beside_a_cut_does_not_find_out_a_secret_by_what_is_masked_there() -> None:
    mask = Mask(["verysecretpassword"])
    for text in ("verysecr…", "very … password", "…tpassword is", "verysecretpass …", "… sword"):
        assert mask(text) == text


QUOTED = ["pa'ss1x", "pa'42x", r"pa\42x", "a\"b'c$d`e\\f", "x y&z;q", "é'ü\n\x01abcdefg", "😀'kk12"]
PRINTERS: dict[str, Callable[[str], str]] = {
    "python": repr,
    "ascii": ascii,
    "bytes": lambda secret: repr(secret.encode()),
    "json": json.dumps,
    "json for HTML": lambda secret: json.dumps(secret).replace("'", "\\u0027"),
    "json in json": lambda secret: json.dumps(json.dumps(secret, ensure_ascii=False)),
    "shell": shlex.quote,
    "another shell": lambda secret: "'" + secret.replace("'", "'\\''") + "'",
    "a shell in a shell": lambda secret: shlex.quote(shlex.quote(secret)),
}
ENDS = ("ss1x", "42x", "z;q", "abcdefg", "kk12")
"""Words that the secrets end with."""


@pytest.mark.parametrize("secret", QUOTED)
@pytest.mark.parametrize("printer", PRINTERS)
def test_a_secret_is_masked_in_whatever_style_it_is_quoted(printer: str, secret: str) -> None:
    shown = Mask([secret])(f"given {PRINTERS[printer](secret)} here")
    assert "…" in shown
    assert {*shown} <= {*"given… here", *"\"'\\$bu"}


@pytest.mark.parametrize("secret", QUOTED)
@pytest.mark.parametrize(
    "command",
    [
        ["bash", "-xc", ': "$HUSH"'],
        ["bash", "-c", 'printf "%q" "$HUSH"; echo "${HUSH@Q}"; declare -p HUSH'],
        ["sh", "-xc", ': "$HUSH"'],
        ["sh", "-c", "export -p; set"],
        ["ls", "/hush/{}"],
    ],
)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_secret_is_masked_as_shells_and_tools_print_it(
    command: list[str], secret: str, locale: str
) -> None:
    environ = {"HUSH": secret, "PATH": "/usr/bin:/bin", "LC_ALL": locale}
    words = [word.format(secret) if command[0] == "ls" else word for word in command]
    done = subprocess.run(words, env=environ, capture_output=True, check=False)
    shown = Mask([secret])((done.stdout + done.stderr).decode(errors="surrogateescape"))
    assert "…" in shown
    assert not [end for end in ENDS if end in shown]


@pytest.mark.parametrize("secret", ["'" * 4 + "x", "'ab'", "$$$a b"])
def test_of_a_secret_of_quotes_no_other_text_is_masked(secret: str) -> None:
    other = "x is 'x', ab, 'a b', '' or $a"
    assert Mask([secret])(other) == other
    for quoted in (secret, shlex.quote(secret), json.dumps(secret), repr(secret)):
        assert "…" in Mask([secret])(f"is {quoted} here")


@pytest.mark.parametrize("given", ["", '"', "$'", "\\"])
def test_a_secret_is_masked_where_its_white_space_became_one_space(given: str) -> None:
    secret = f"ab  cd\n\te{given}f gh"
    assert Mask([secret])(f"is {' '.join(secret.split())} here") == "is … here"
    assert Mask([secret])(f"is {json.dumps(secret)[1:-1]} here") == "is … here"


@pytest.mark.parametrize("white", WHITE, ids=ascii)
def test_a_secret_is_masked_whatever_white_space_it_has(white: str) -> None:
    for secret in (f"kq{white}wz{white}{white}'gj", f"{white}kq{white}wz{white}"):
        mask = Mask([secret])
        for text in (secret, json.dumps(secret), yaml.safe_dump(secret, allow_unicode=True)):
            for printed in (text, " ".join(text.split())):
                assert not {*"kqwzgj"} & {*mask(f"is {printed} here")}, printed


def test_very_many_quotes_are_no_work_for_a_mask() -> None:
    mask = Mask(
        ["a" + "'" * 9 + "b", "'" * 4 + "x", "a b c d e f g h", json.dumps(["b\n" * 20]), "x y zz"]
    )
    for text in (
        "x" + " " * 200_000,
        ("x" + " " * 50) * 4_000 + "y",
        "x" + "\\n" * 200_000,
        "'" * 300_000,
        "\\" * 300_000,
        "a" + "'\\" * 200_000,
        ("a" + "'" * 100 + " ") * 3_000,
    ):
        assert mask(text) == text


def test_codes_without_end_are_no_work_for_a_mask() -> None:
    mask = Mask(
        ["a'b%c&d\\e", "x y zz", json.dumps({"key": "value-of-it", "other": ["a-value"] * 99})]
    )
    for text in (
        "\\u0041" * 50_000,
        "%25" * 100_000,
        "&amp;" * 60_000,
        "\\x61'" * 50_000,
        "\\n%41&lt;" * 30_000,
        "\\1" * 150_000,
    ):
        assert mask(text) == text
        assert mask(f"{text} x\\u0020y zz") == f"{text} …"


def test_what_of_secrets_overlaps_is_masked_as_a_whole() -> None:
    assert Mask(["abcdefgh", "efghijkl"])("at abcdefghijkl!") == "at …!"
    assert Mask(["abcd'efgh", "efgh-ijkl"])(r"at abcd\'efgh-ijkl!") == "at …!"


@pytest.mark.parametrize(
    ("secret", "line"),
    [
        ("https://bot:tok3nAbCdEf@hooks.example.com/services/T0SECRETPATH9", "{}"),
        ("https://bot:tok3nAbCdEf@hooks.example.com/services/T0SECRETPATH9", "--url={}"),
        ("https://bot:tok3nAbCdEf@hooks.example.com/T0SECRETPATH9", "http://ann:pw@proxy,{}/x"),
        ("https://0123456789abcdef@o123.ingest.example.io/45061234", "{}"),
        ("postgresql://svc_reporting:PassW0rdLong1@db-7/ledger", "{}?a=b"),
        ("svc_reporting:PassW0rdLong1@db-7/ledger", "postgresql://{}"),
        ("svc_reporting:PassW0rdLong1@db-7.example/ledger", "https://{}"),
        ("redis://:PassW0rdLong1@h1/0", "{}"),
        ("https://h1/b?sv=1&sig=PassW0rdLong1&se=2031", "{}"),
        ("sv=1&sig=PassW0rdLong1&se=2031", "https://x?{}"),
        ("https://u:pa'ss@h1/o'clock", "{}"),
    ],
)
@pytest.mark.parametrize("printer", [str, repr, json.dumps, shlex.quote])
def test_a_secret_is_masked_where_its_login_was_taken_out(
    printer: Callable[[str], str], secret: str, line: str
) -> None:
    error = LaunchkitError(f"exec: {printer(line.format(secret))}: it says no")
    shown = Mask([secret])(str(error))
    assert "…" in shown
    for part in ("T0SECRET", "hooks", "45061234", "svc_", "ledger", "h1", "2031", "sv=", "clock"):
        assert part not in shown


def test_many_secrets_are_masked_in_many_texts_at_no_cost_for_each_pair() -> None:
    """By a look for each secret in each text it would last for minutes."""
    secrets = [f"s3cret-{number:06}'{number:06}" for number in range(20_000)]
    mask = Mask([*secrets, "abcd", "ab"])
    for number, secret in enumerate(secrets):
        quoted = secret.replace("'", "'\\''").upper()
        assert mask(f"{secret} is {quoted}, abcd, s3cret-{number}") == f"… is …, …, s3cret-{number}"


def test_many_secrets_are_masked_in_one_long_text_at_no_cost_for_each_pair() -> None:
    """By a look from end to end for each secret it would last for minutes."""
    secrets = [f"s3cret '{number:06}" for number in range(8_000)]
    quoted = [secret.replace("'", '"') for secret in secrets]
    shown = Mask(["\n".join(secrets)])("|".join((*secrets, *quoted)))
    assert shown == "|".join(["…"] * 16_000)


def test_very_many_secrets_that_differ_by_quotes_alone_are_masked_with_any_quotes() -> None:
    secrets = [f"ab{'$' * number}cd" for number in range(1, 2 + MOST_ALIKE)]
    assert Mask(secrets[1:])("is ab$cd here") == "is ab$cd here"
    assert Mask(secrets)("is abcd here") == "is … here"


def test_a_text_that_may_be_very_many_secrets_at_each_of_its_places_is_hidden_as_a_whole() -> None:
    mask = Mask([f"aa${'a' * number}" for number in range(2, 6)])
    assert mask(f"x {'a' * MOST_LOOKS} y") == "…"
    assert mask(f"x {'a' * 100} y") == f"x {'a' * 100} y"


@pytest.mark.parametrize("piece", ["a ", "[", "[ "])
def test_a_secret_that_is_like_itself_everywhere_takes_no_longer_for_each_place_of_a_text(
    piece: str,
) -> None:
    secret = piece * 60_000 + "bbbb"
    text = f"bbbb {piece * 60_000}"
    assert Mask([secret])(f"{text}{secret}") == f"{text}…"


@pytest.mark.parametrize(
    "secret", ["hunter \t+two", "hunter + two", "hunter +two", "ab + cd", "ab +"]
)
def test_the_pluses_of_a_secret_are_masked_beside_those_that_an_address_has_for_spaces(
    secret: str,
) -> None:
    mask = Mask([secret])
    assert mask(f"see {quote_plus(secret)}") == mask(f"see {secret}") == "see …"
    assert mask("see hunter two, ab cd, ab") == "see hunter two, ab cd, ab"


@pytest.mark.parametrize("secret", ["x" * 70 + "é+rest-of-it-1234", 'y"' * 35 + "é ++rest-of-it"])
def test_a_secret_is_masked_that_yaml_folds_before_a_plus(secret: str) -> None:
    written = yaml.safe_dump({"key": secret})
    assert Mask([secret])(written).split() == ["key:", '"…"']
    assert Mask([secret])(quote_plus(written)).startswith("key%3A+%22…")
