"""Whatever others write, what reads it ends in an error of launchkit's own, or in a value.

`LAUNCHKIT_FUZZ=100000` tries so many texts on each parser; without it there are few.
"""

import asyncio
import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from fuzzing import sound
from fuzzing.schemas import schema_and_config
from fuzzing.trial import HEAVY, LIGHT, Parse, data_of, mapping_of, tried

from launchkit.addresses import masked
from launchkit.aio.retry import retry_after_of
from launchkit.builtin.local_process.args import parse_args, parse_size
from launchkit.cli.launch_file import with_flags
from launchkit.cli.log_text import LogText
from launchkit.cli.queue_file import wanted_queues
from launchkit.code.ignore import parse_rules
from launchkit.code.ignore_file import ignore_text
from launchkit.code.inside import inside
from launchkit.code.remotes import check_ref, check_remote, choose_commit
from launchkit.code.unpack import unpack
from launchkit.codec import check_depth, decode
from launchkit.document import parse_document, parse_documents
from launchkit.errors import LaunchkitError
from launchkit.images.base_images import base_images
from launchkit.images.docker_login import docker_login
from launchkit.images.dockerignore import parse_dockerignore
from launchkit.images.file_overrides import override_files
from launchkit.images.ref import ImageRef
from launchkit.images.registries.auth import parse_challenges, read_token
from launchkit.images.requirements import find_dependencies
from launchkit.model import LaunchSpec, QueueSpec
from launchkit.plain_text import tail_lines, visible_json, visible_line
from launchkit.resolving.env_list import parse_env
from launchkit.resolving.inputs import check_config, check_inputs
from launchkit.resolving.linear_regex import linear_regex
from launchkit.resolving.macros import fill_macros
from launchkit.resolving.nested import MOST_CHARACTERS, are_too_much
from launchkit.resolving.secret_values import hidden
from launchkit.resolving.templates import check_template, fill_template, find_variables
from launchkit.resolving.variables import parse_set_vars, parse_variables
from launchkit.written import structures


def docker_ignoring(text: str) -> None:
    patterns = parse_dockerignore(text, "f")
    for path in ("a/b/c.py", "a" * 200, text[:50]):
        patterns.ignores(patterns.matches(path))


def ignoring(text: str) -> None:
    rules = parse_rules(text, "")
    for path in ("a/b/c.py", "a" * 200, text[:50]):
        rules.verdict(path, is_directory=False)


def remote(text: str) -> None:
    refused_together(
        lambda: choose_commit({"HEAD": "0" * 40}, text),
        lambda: check_ref(text),
        lambda: check_remote(text),
    )


def documents(text: str) -> None:
    for document in parse_documents(text, "f"):
        document.locate(("a", 0))
        check_depth(document.data)


def data_in_texts(text: str) -> None:
    [*structures(text)]


def queues(text: str) -> None:
    wanted_queues(parse_documents(text, "f"))


def launch_files(text: str) -> None:
    with_flags(parse_document(text, "f"), {"project": "p"})


def templates(text: str) -> None:
    data = mapping_of(text)
    check_depth(data)
    found = find_variables(data)
    check_template(data, found)
    fill_template(data, found, dict.fromkeys(found, text))


def variables(text: str) -> None:
    check_depth(mapping_of(text))
    defined = parse_variables(mapping_of(text))
    parse_set_vars([text, f"x={text}"], defined)


def schemas(text: str) -> None:
    for shape in (mapping_of(text), {"properties": {"x": {"pattern": text}}}):
        check_depth(shape)
        check_config({"x": text, "y": [text, {}, text]}, shape)


def keywords(text: str) -> None:
    schema, config = schema_and_config(text)
    if not are_too_much((schema, config), MOST_CHARACTERS):
        check_config(config, schema)


def expressions(text: str) -> None:
    with suppress(ValueError):  # as it says
        found = linear_regex(text)
        for one in (text[:1000], "a" * 200):
            found.search(one)
            found.fullmatch(one)


def sets_of_characters(text: str) -> None:
    with suppress(ValueError):
        linear_regex(f"(?:[{text[:950]}a]*){{150}}b").fullmatch("a" * 1000)


def sizes(text: str) -> None:
    for one in (text, data_of(text)):
        try:
            parse_size(one)
        except ValueError:
            continue
    check_depth(mapping_of(text))
    refused_together(
        lambda: parse_args(mapping_of(text)),
        lambda: parse_args({"limits": {"memory": text}, "env": mapping_of(text)}),
    )


def output(text: str) -> None:
    tail_lines(text.encode(errors="replace"))
    log = LogText()
    for at in range(0, len(text), 1 << 16):
        log.feed(text[at : at + (1 << 16)].encode(errors="replace"))
    log.end()


def shown_json(text: str) -> None:
    json.loads(visible_json(json.dumps({"x": text}, ensure_ascii=False)))


def secrets(text: str) -> None:
    data = mapping_of(text)
    check_depth(data)
    hidden(data)


def environments(text: str) -> None:
    check_depth(mapping_of(text))
    refused_together(
        lambda: parse_env(text, ("env",)),
        lambda: parse_env(data_of(text), ("env",)),
        lambda: fill_macros(mapping_of(text), {"x": "1"}),
    )


def models(text: str) -> None:
    def launch() -> None:
        check_inputs(decode(LaunchSpec, data_of(text)))

    refused_together(launch, lambda: decode(QueueSpec, data_of(text)))


def logins(text: str) -> None:
    parse_challenges(text)
    for body in (text, json.dumps(data_of(text))):
        response = httpx.Response(200, content=body.encode(errors="replace"))
        read_token(response, "s")


def refused_together(*calls: Callable[[], object]) -> None:
    """All of them; the last refusal is told."""
    refused = None
    for call in calls:
        try:
            call()
        except LaunchkitError as exc:
            refused = exc
    if refused:
        raise refused


PARSERS: dict[str, tuple[Parse, Sequence[str], float]] = {
    "documents": (documents, sound.DOCUMENTS, 1),
    "queue files": (queues, sound.QUEUES, 1),
    "launch files": (launch_files, sound.LAUNCHES, 1),
    "remotes": (remote, sound.REMOTES, LIGHT),
    "images": (ImageRef.parse, sound.IMAGES, LIGHT),
    "repositories": (ImageRef.parse_repository, sound.IMAGES, LIGHT),
    "data in texts": (data_in_texts, sound.DOCUMENTS, 1),
    "templates": (templates, sound.DATA, LIGHT),
    "variables": (variables, sound.VARIABLES, 1),
    "schemas": (schemas, sound.SCHEMAS, HEAVY),
    "keywords of schemas": (keywords, (), HEAVY),
    "expressions": (expressions, sound.EXPRESSIONS, HEAVY),
    "sets of characters": (sets_of_characters, sound.EXPRESSIONS, HEAVY),
    "sizes": (sizes, sound.SIZES, 1),
    "output": (output, sound.OUTPUT, LIGHT),
    "lines that are shown": (visible_line, sound.OUTPUT, 1),
    "JSON that is shown": (shown_json, sound.OUTPUT, 1),
    "addresses": (masked, sound.ADDRESSES, 1),
    "secrets": (secrets, sound.ADDRESSES, 1),
    "environments": (environments, sound.DATA, 1),
    "models": (models, sound.MODELS, 1),
    "logins": (logins, sound.LOGINS, 1),
    "Dockerfiles": (base_images, sound.DOCKERFILES, LIGHT),
    "times to come back": (retry_after_of, sound.TIMES, LIGHT),
}


@pytest.mark.parametrize("name", PARSERS)
def test_fuzz_what_reads_a_text_ends_in_a_value_or_in_an_error_of_its_own(name: str) -> None:
    tried(name, *PARSERS[name])


@pytest.mark.parametrize(
    ("name", "parse", "good"),
    [
        (".gitignore", ignoring, sound.IGNORES),
        (".dockerignore", docker_ignoring, sound.DOCKERIGNORES),
    ],
)
def test_fuzz_ignore_files_end_in_a_value_or_in_an_error(
    name: str, parse: Parse, good: Sequence[str], tmp_path: Path
) -> None:
    def read(text: str) -> None:
        (tmp_path / name).write_text(text, errors="replace")
        with inside(tmp_path) as tree:
            parse(ignore_text(tree, name) or "")

    tried(name, read, good, HEAVY)


def test_fuzz_files_of_the_code_end_in_a_value_or_in_an_error(tmp_path: Path) -> None:
    def read(text: str) -> None:
        name = "pyproject.toml" if "[" in text[:20] else "requirements.txt"
        for other in ("requirements.txt", "pyproject.toml"):
            (tmp_path / other).unlink(missing_ok=True)
        (tmp_path / name).write_text(text, errors="replace")
        find_dependencies(tmp_path, ["x"])

    tried("requirements", read, sound.REQUIREMENTS)


def test_fuzz_files_that_a_launch_changes_end_in_a_value_or_in_an_error(tmp_path: Path) -> None:
    def read(text: str) -> None:
        name = "f.json" if text[:1] in {"{", "["} else "f.yaml"
        (tmp_path / name).write_text(text, errors="replace")
        override_files(tmp_path, {name: {"a": {"b": 1}}})

    tried("changed files", read, [*sound.DOCUMENTS, *sound.DATA], HEAVY)


def test_fuzz_archives_end_in_a_value_or_in_an_error(tmp_path: Path) -> None:
    into = tmp_path / "into"

    def read(text: str) -> None:
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        raw = text.encode("latin-1", errors="replace")
        (tmp_path / "archive").write_bytes(gzip.compress(raw, compresslevel=1))
        unpack(tmp_path / "archive", hashlib.sha256(raw).hexdigest(), into)

    tried("archives", read, [packed()], HEAVY)


def test_fuzz_dockers_logins_end_in_a_value_or_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    def read(text: str) -> None:
        whole = text if len(text) % 2 else json.dumps({"auths": {"h": data_of(text)}})
        (tmp_path / "config.json").write_text(whole, errors="replace")
        runner.run(docker_login("h"))

    with asyncio.Runner() as runner:
        tried("docker's logins", read, sound.DOCKER_LOGINS, HEAVY)


def packed() -> str:
    """An archive with a file, a directory and a link, each byte a character."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind in (("a/é.py", tarfile.REGTYPE), ("b", tarfile.DIRTYPE)):
            member = tarfile.TarInfo(name)
            member.type = kind
            tar.addfile(member)
        link = tarfile.TarInfo("c")
        link.type, link.linkname = tarfile.SYMTYPE, "a"
        tar.addfile(link)
    return stream.getvalue()[:4096].decode("latin-1")
