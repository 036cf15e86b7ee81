"""Links in code that lead in circles, or over very many others."""

from pathlib import Path

import pytest
from sources.trees import surveyed

from launchkit.code.containment import has_file, is_inside
from launchkit.code.links import Links
from launchkit.code.survey import DEFAULT_LIMITS
from launchkit.errors import Rejected
from launchkit.images.file_overrides import BadOverride, override_files


def chain(code: Path, count: int, end: str) -> None:
    for index in range(count):
        (code / f"l{index}.json").symlink_to(f"l{index + 1}.json" if index + 1 < count else end)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "a.json").symlink_to("b.json")
    (folder / "b.json").symlink_to("a.json")
    (folder / "file.json").write_text("{}")
    return folder


def test_what_leads_in_a_circle_is_no_file_of_the_code(code: Path) -> None:
    assert not has_file(code, "a.json")
    assert not is_inside(code, "a.json/x")
    with pytest.raises(BadOverride):
        override_files(code, {"a.json": {"x": 1}})


def test_a_circle_is_packed_as_it_is(code: Path) -> None:
    found = {entry.path: entry.target for entry in surveyed(code)}
    assert found == {"a.json": "b.json", "b.json": "a.json", "file.json": ""}


def test_a_chain_of_very_many_links_is_packed_and_read_by_nobody(code: Path) -> None:
    chain(code, 3000, "file.json")
    assert len(surveyed(code)) == 3003
    assert not has_file(code, "l0.json")
    with pytest.raises(BadOverride):
        override_files(code, {"l0.json": {"x": 1}})


@pytest.mark.parametrize(("path", "on"), [("l", "./" * 1000), ("d/" * 1000 + "l", "")])
def test_all_links_together_are_followed_in_a_bounded_number_of_steps(path: str, on: str) -> None:
    asked: list[str] = []

    def read(place: str) -> str:
        asked.append(place)
        return f"{on}{place.rsplit('/', maxsplit=1)[-1]}x"

    links = Links(read, most=100_000)
    assert not links.lead_out(path, "l")
    assert not links.lead_out(path, "l")
    with pytest.raises(Rejected, match="is a link, and to follow all links of the code"):
        links.lead_out(path, "l")
    assert len(asked) < 200
    with pytest.raises(Rejected):
        links.lead_out("a", "file.json")


def test_as_many_links_as_code_may_have_can_be_followed() -> None:
    links = Links(lambda path: "../file" if path.endswith("/l") else "")
    paths = (f"one/two/three/four/five/l{index}" for index in range(DEFAULT_LIMITS.files))
    assert not any(links.lead_out(path, "../../other/l") for path in paths)


@pytest.mark.parametrize("count", [1, 39])
def test_a_chain_that_ends_outside_is_not_packed(code: Path, count: int) -> None:
    (code.parent / "outside.json").write_text("{}")
    (code / "sub").mkdir()
    chain(code, count, "sub/../../outside.json")
    with pytest.raises(Rejected, match="is a link to"):
        surveyed(code)
    assert not is_inside(code, "l0.json")


def test_a_link_through_another_that_climbs_out_is_not_packed(code: Path) -> None:
    (code / "here").symlink_to(".")
    (code / "up").symlink_to("here/..")
    with pytest.raises(Rejected, match="up: is a link to"):
        surveyed(code)
