"""Whatever others write, what reads it ends in an error of launchkit's own, or in a value.

`LAUNCHKIT_FUZZ=100000` tries so many texts on each parser, and tells how long the slowest took;
without it there are few.
"""

import asyncio
import gzip
import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from launchkit.addresses import masked
from launchkit.builtin.local_process.args import parse_args, parse_size
from launchkit.cli.log_text import LogText
from launchkit.cli.queue_file import wanted_queues
from launchkit.code.ignore import parse_rules
from launchkit.code.remotes import check_ref, check_remote, choose_commit
from launchkit.code.unpack import unpack
from launchkit.codec import check_depth, decode
from launchkit.document import parse_documents
from launchkit.errors import LaunchkitError
from launchkit.images.docker_login import docker_login
from launchkit.images.dockerignore import parse_dockerignore
from launchkit.images.ref import ImageRef
from launchkit.images.registries.auth import parse_challenges, read_token
from launchkit.images.requirements import find_dependencies
from launchkit.model import LaunchSpec, QueueSpec
from launchkit.plain_text import tail_lines, visible_json, visible_line
from launchkit.resolving.env_list import parse_env
from launchkit.resolving.inputs import check_config
from launchkit.resolving.linear_regex import linear_regex
from launchkit.resolving.macros import fill_macros
from launchkit.resolving.secret_values import hidden
from launchkit.resolving.templates import check_template, fill_template, find_variables
from launchkit.resolving.variables import parse_set_vars, parse_variables

MANY = int(os.environ.get("LAUNCHKIT_FUZZ", "200"))
LONGEST = 20_000
SOME = (
    "a A 0 9 . .. / // * ** **/ ? [ ] [! [[:alpha:]] { } {{ }} {{x}} ${ ${x} ( ) (?: + {9} | ^ $"
    " \\ : &a *a <<: !! --- # ' \" , = @ :// https:// ssh:// git@ sha256: - -- -r -e 1e9 1e999 -1"
    " .inf .nan true null 0x1 1:1:1 2001-01-01 type string integer pattern $ref name resource"
    " config kind Bearer realm= [project] dependencies é %2e %00"
)
WORDS = [
    *SOME.split(" "),
    *("\0", "\x1b", "\x1b[", "\x1b]", "\x9b", "\x85", "\u202e", "\u200b", "\u2028", "\ufeff"),
    *("\n", "\n  ", "\t", "\r", " ", ": ", "- ", " = ", "9" * 400, "🙂", "\ud800"),
]


def texts(seed: int) -> Iterator[str]:
    """Odd texts: words in a row, one of them very often, and characters of any kind."""
    chance = random.Random(seed)
    while True:
        kind = chance.random()
        if kind < 0.6:
            yield "".join(chance.choices(WORDS, k=chance.randrange(1, 30)))
        elif kind < 0.8:
            word = "".join(chance.choices(WORDS, k=chance.randrange(1, 3)))
            yield word * chance.randrange(1, 1 + LONGEST // len(word))
        else:
            size = chance.randrange(1, 40)
            yield "".join(chr(chance.randrange(0x20, 0x3000)) for _ in range(size))


def values(text: str) -> Any:
    """Plain data that has a text in it as key and value."""
    chance = random.Random(text.encode(errors="surrogatepass"))
    value: Any = chance.choice([text, text[:9], len(text), 1.5, None, True, [text], {}])
    for _ in range(chance.randrange(5)):
        key = chance.choice([text[:20], "x", "type", "pattern", "$ref", "source", "recipe", "env"])
        value = chance.choice([{key: value}, [value], {key: value, "kind": text[:9]}])
    return value if isinstance(value, dict) else {"x": value}


def ignoring(text: str) -> None:
    rules = parse_rules(text[:4000], "")
    for path in ("a/b/c.py", "a" * 200, text[:50]):
        rules.verdict(path, is_directory=False)


def docker_ignoring(text: str) -> None:
    patterns = parse_dockerignore(text[:4000], "f")
    for path in ("a/b/c.py", "a" * 200, text[:50]):
        patterns.ignores(patterns.matches(path))


def remote(text: str) -> None:
    choose_commit({"HEAD": "0" * 40}, text)
    check_ref(text)
    check_remote(text)


def documents(text: str) -> None:
    for document in parse_documents(text, "f"):
        document.locate(("a", 0))
        check_depth(document.data)


def queues(text: str) -> None:
    wanted_queues(parse_documents(text, "f"))


def templates(text: str) -> None:
    data = values(text)
    found = find_variables(data)
    check_template(data, found)
    fill_template(data, found, dict.fromkeys(found, text))


def variables(text: str) -> None:
    defined = parse_variables(values(text))
    parse_set_vars([text, f"x={text}"], defined)


def schema(text: str) -> None:
    for shape in (values(text), {"properties": {"x": {"pattern": text}}}):
        check_depth(shape)
        check_config({"x": text, "y": [text, {}]}, shape)


def regex(text: str) -> None:
    try:
        found = linear_regex(text)
    except ValueError:
        return
    found.search(text)
    found.fullmatch("a" * 200)


def size(text: str) -> None:
    for one in (text, len(text)):
        try:
            parse_size(one)
        except ValueError:
            continue
    parse_args({"limits": {"memory": text}, "env": values(text)})


def shown(text: str) -> None:
    tail_lines(text.encode(errors="replace"))
    visible_line(text)
    json.loads(visible_json(json.dumps({text: text}, ensure_ascii=False)))
    log = LogText()
    for at in range(0, len(text), 4096):
        log.feed(text[at : at + 4096].encode(errors="replace"))
    log.end()


def addresses(text: str) -> None:
    masked(text)
    hidden(values(text))


def environment(text: str) -> None:
    parse_env(text, ("env",))
    parse_env(values(text), ("env",))
    fill_macros(values(text), {"x": "1"})


def models(text: str) -> None:
    for kind in (LaunchSpec, QueueSpec):
        try:
            decode(kind, values(text))
        except LaunchkitError:
            continue


def logins(text: str) -> None:
    parse_challenges(text[:4000])
    for body in (text, json.dumps(values(text))):
        content = body.encode(errors="replace")
        response = httpx.Response(200, content=content)
        read_token(response, "s")


PARSERS: dict[str, Callable[[str], object]] = {
    "documents": documents,
    "queue files": queues,
    "gitignore": ignoring,
    "dockerignore": docker_ignoring,
    "remotes": remote,
    "images": ImageRef.parse,
    "repositories": ImageRef.parse_repository,
    "templates": templates,
    "variables": variables,
    "schemas": schema,
    "expressions": regex,
    "sizes": size,
    "output": shown,
    "addresses": addresses,
    "environments": environment,
    "models": models,
    "logins": logins,
}


@pytest.mark.parametrize("name", PARSERS)
def test_fuzz_what_reads_a_text_ends_in_a_value_or_in_an_error_of_its_own(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    tried(name, PARSERS[name], record_property)


def tried(name: str, parse: Callable[[str], object], tell: Callable[[str, object], None]) -> None:
    """Try `MANY` texts; an error that is not launchkit's own fails, with its text."""
    slowest = (0.0, "")
    for number, text in zip(range(MANY), texts(len(name)), strict=False):
        began = time.perf_counter()
        try:
            parse(text)
        except LaunchkitError:
            pass
        except Exception as exc:
            exc.add_note(f"{name}, number {number}: {text[:300]!r}, {len(text)} characters")
            raise
        slowest = max(slowest, (time.perf_counter() - began, text[:60]))
    tell("slowest", f"{name}: {MANY} texts, at most {1000 * slowest[0]:.0f} ms: {slowest[1]!r}")
    print(f"{name}: {MANY} texts, at most {1000 * slowest[0]:.0f} ms: {slowest[1]!r}")


def test_fuzz_files_of_the_code_end_in_a_value_or_in_an_error(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    def read(text: str) -> None:
        name = "requirements.txt" if len(text) % 2 else "pyproject.toml"
        for other in ("requirements.txt", "pyproject.toml"):
            (tmp_path / other).unlink(missing_ok=True)
        (tmp_path / name).write_text(text, errors="replace")
        find_dependencies(tmp_path, ["x"])

    tried("requirements", read, record_property)


def test_fuzz_archives_end_in_a_value_or_in_an_error(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    def read(text: str) -> None:
        into = tmp_path / hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
        into.mkdir(exist_ok=True)
        raw = text.encode(errors="replace").ljust(512, b"\0")
        (tmp_path / "archive").write_bytes(gzip.compress(raw))
        unpack(tmp_path / "archive", hashlib.sha256(raw).hexdigest(), into)

    tried("archives", read, record_property)


def test_fuzz_dockers_logins_end_in_a_value_or_in_an_error(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def read(text: str) -> None:
        whole = text if len(text) % 2 else json.dumps({"auths": {"h": values(text)}})
        (tmp_path / "config.json").write_text(whole, errors="replace")
        asyncio.run(docker_login("h"))

    tried("docker's logins", read, record_property)
