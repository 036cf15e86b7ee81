"""Commands to be copied, as a real shell takes them."""

import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from launchkit.shell_words import (
    LONGEST_LINE,
    shell_argument,
    shell_command,
    shell_word,
    split_line,
)

ODD = [
    "",
    "plain-1",
    "two words",
    "it's",
    "$(touch x)`touch y`",
    "a;b&c|d>e",
    "~ {a,b} *? [x] !y #z",
    "/etc/hostn\t\ntouch x",
    "\x1b[201~\x15curl x | sh\r",
    "\x7f\x9b\u202e\u200b\u2028",
    "a\\n'!'\t'\\",
    "größe \u3000 名前",
    "\u202e'; touch x; '",
    "\t1234567",
    "-n",
    "=ls",
    "%self",
    "\\'x\" ; echo no ; #",
    "a\\b\\\\'c\\",
]


def taken(command: str) -> list[str]:
    """The words that bash makes of a command."""
    script = f"shown() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize("word", ODD)
def test_a_shell_takes_a_word_as_it_is_and_nothing_in_it_is_a_key(word: str) -> None:
    command = shell_command("shown", word, "end")
    assert taken(command) == [word, "end"]
    assert command.isprintable()


@pytest.mark.parametrize("shell", ["dash", "zsh", "fish"])
@pytest.mark.parametrize("word", [word for word in ODD if word.isprintable()])
def test_other_shells_take_a_word_that_is_seen_as_bash_does(word: str, shell: str) -> None:
    if not (program := shutil.which(shell)):
        pytest.skip(f"{shell} is not installed")
    command = f"printf '%s|' {shell_command(word, 'end')}"
    done = subprocess.run([program, "-c", command], capture_output=True, check=True)
    assert done.stdout.decode() == f"{word}|end|"


def test_zsh_is_asked_for_no_program_by_a_word() -> None:
    assert shell_command("shown", "=ls", "a=b") == "shown '=ls' a=b"


def test_a_byte_of_a_file_name_that_is_no_text_stays_that_byte() -> None:
    command = shell_command("printf", "%s", "a\udcffb")
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert done.stdout == b"a\xffb"


def test_a_character_that_is_none_is_written_as_another() -> None:
    assert taken(shell_command("shown", "a\ud800b")) == ["a?b"]


def test_a_line_that_is_too_long_to_be_split_is_refused() -> None:
    assert split_line("a 'b c'") == ["a", "b c"]
    with pytest.raises(ValueError, match="a line has at most 65536 characters; write a list"):
        split_line("x" * (LONGEST_LINE + 1))


@pytest.mark.parametrize("path", ["-rf", "--help", "-", "./-n", "-a/b"])
def test_a_path_is_an_option_of_no_program(path: str) -> None:
    (word,) = taken(f"shown {shell_word(Path(path))}")
    assert word.startswith("./")
    assert Path(word) == Path(path)


@pytest.mark.parametrize("name", ["--all", "-x", "-", "ann", "", "two words"])
def test_a_name_is_no_option_of_a_command_whatever_it_is(name: str) -> None:
    @click.command
    @click.option("--all", "-x", is_flag=True)
    @click.argument("name")
    def shown(*, name: str, **options: bool) -> None:
        click.echo((name, options), nl=False)

    said = CliRunner().invoke(shown, taken(f"shown {shell_argument(name)}"))
    assert said.output == str((name, {"all": False}))
