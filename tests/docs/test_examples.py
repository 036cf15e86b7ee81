"""Each command in the documentation is run, and each of its YAML examples is loaded; see `pages`
for what stands in a page.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from docker_engine import Engine
from launchkit_aws.sagemaker.runner import SageMakerRunner
from launchkit_docker.options.parsing import parse_options
from launchkit_gcp.vertex.runner import VertexRunner
from launchkit_kubernetes.runner import KubernetesRunner
from pages import ROOT, blocks, commands_of, name_of, type_commands, write_files
from ports import free_port
from shared import in_use

from launchkit.builtin.local_process.args import parse_args
from launchkit.cli.launch_file import with_flags
from launchkit.cli.queue_file import wanted_queues
from launchkit.document import Document, parse_documents, parse_mapping, require_mapping
from launchkit.resolving.templates import check_template, fill_template
from launchkit.resolving.variables import parse_variables
from launchkit.settings import load_settings

pytestmark = pytest.mark.long

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
WANT_DOCKER = {"gpu-workstation.md"}
WANT_CLUSTER = {"kubernetes.md", "in-the-cluster.md", "sagemaker.md", "vertex.md"}
"""Tests of the plugin type what stands there."""
IMAGES = "launchkit.invalid/digits:"
PORT = ":8700"
CHECKS = {
    "local-process": parse_args,
    "docker": parse_options,
    "kubernetes": KubernetesRunner.check_args,
    "sagemaker": SageMakerRunner.check_args,
    "gcp-vertex": VertexRunner.check_args,
}


YAML = {page: [b for b in blocks(page) if b.language == "yaml"] for page in PAGES}
COMMANDS = {page: commands_of(blocks(page)) for page in PAGES if page.name not in WANT_CLUSTER}


@pytest.mark.parametrize("page", [page for page in PAGES if YAML[page]], ids=name_of)
def test_the_yaml_of_a_page_can_be_loaded(page: Path, tmp_path: Path) -> None:
    for block, following in pairwise([*YAML[page], None]):
        assert block is not None
        kind = block.words[0] if block.words else None
        if kind in {"file=launch-config.yaml", "file=jobd.yaml"}:  # test_plugin installs theirs
            continue
        if kind == "queues":
            assert wanted_queues(parse_documents(block.text, block.place))
            continue
        document = parse_mapping(block.text, block.place)
        if kind == "launch-config":
            (tmp_path / "launch-config.yaml").write_text(block.text)
            load_settings(tmp_path / "launch-config.yaml", environ={"HOME": str(tmp_path)})
        elif kind == "spec":
            assert with_flags(document, {})[1] == []
        elif kind == "queue":
            text = following.text if following and following.words[0] == "variables" else ""
            check_queue(block.words[1], document, parse_mapping(text, block.place))
        elif kind != "object":
            assert kind == "variables", f"{block.place}: say what this block is"


def check_queue(kind: str, config: Document, definitions: Document) -> None:
    """Do as when a queue is made, and when a launch sets the least of all that it can set."""
    variables = parse_variables(require_mapping(definitions), definitions.locate)
    data = require_mapping(config)
    check_template(data, variables, config.locate)
    values = {
        name: variable.enum[0] if variable.enum else variable.minimum or 0
        for name, variable in variables.items()
    }
    CHECKS[kind](fill_template(data, variables, values))


def test_what_is_installed_from_a_clone_is_there() -> None:
    texts = [block.text for page in PAGES for block in blocks(page) if block.language == "text"]
    lines = [line for text in texts for line in text.splitlines() if "pip install ." in line]
    folders = [ROOT / word for line in lines for word in line.split()[2:]]
    assert len(folders) > 3
    assert [folder for folder in folders if not (folder / "pyproject.toml").is_file()] == []


@pytest.fixture
def no_images_left(docker_engine: Engine, python_image: str) -> Iterator[None]:
    """The images that the pages build are removed, if no other test run is at the same page."""
    before = {*docker_engine.images(IMAGES)}
    with in_use("images-of-pages") as is_last:
        yield
        if is_last():
            for name in {*docker_engine.images(IMAGES)} - before:
                docker_engine.remove(name)


@pytest.mark.parametrize("page", [page for page in COMMANDS if COMMANDS[page]], ids=name_of)
def test_the_commands_of_a_page_do_what_it_says(
    page: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if page.name in WANT_DOCKER:
        request.getfixturevalue("no_images_left")
    port = f":{free_port()}"  # in the place of the usual one
    write_files(page, tmp_path, {PORT: port})
    environ = {"LAUNCHKIT_SERVER_PORT": port[1:]}
    type_commands(COMMANDS[page], tmp_path, {PORT: port}, environ)


@pytest.mark.thorough
def test_the_first_launch_wants_neither_a_home_nor_a_locale(tmp_path: Path) -> None:
    page = ROOT / "docs" / "tutorial" / "first-launch.md"
    write_files(page, tmp_path, {})
    environ = {
        "HOME": "/proc/none",
        "LC_ALL": "C",
        "TERM": "dumb",
        "LAUNCHKIT_BACKEND": f"sqlite:///{tmp_path}/queue.db",
        "LAUNCHKIT_STATE_DIR": str(tmp_path / "state"),
        "LAUNCHKIT_CACHE_DIR": str(tmp_path / "cache"),
    }
    type_commands(COMMANDS[page], tmp_path, {}, environ)
