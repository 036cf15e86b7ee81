"""The local environment and the builder that builds nothing."""

from pathlib import Path

import pytest

from launchkit.abc import Builder, Environment
from launchkit.builtin.local import LocalEnvironment
from launchkit.builtin.noop import NoopBuilder
from launchkit.errors import BuildError, LaunchError, Rejected
from launchkit.model import BuildRequest, GitSource, Launch, Limits
from launchkit.plugins import Plugins
from launchkit.testing import RecordingOutput


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}"])
async def test_a_file_is_copied_to_a_place_on_this_machine(form: str, tmp_path: Path) -> None:
    (tmp_path / "source").write_text("data")
    target = tmp_path / "deep" / "er" / "copy"
    await LocalEnvironment().upload(tmp_path / "source", form.format(target))
    assert target.read_text() == "data"
    assert [path.name for path in target.parent.iterdir()] == ["copy"]


async def test_an_address_with_escapes_names_the_plain_path(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("data")
    await LocalEnvironment().upload(tmp_path / "source", f"file://{tmp_path}/a%20b")
    assert (tmp_path / "a b").read_text() == "data"


async def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    for name in ("source", "target"):
        (tmp_path / name).write_text(name)
    await LocalEnvironment().upload(tmp_path / "source", str(tmp_path / "target"))
    assert (tmp_path / "target").read_text() == "source"


@pytest.mark.parametrize(
    ("uri", "package"),
    [
        ("s3://bucket/key", "launchkit-aws"),
        ("gs://bucket/key", "launchkit-gcp"),
        ("https://account.blob.core.windows.net/c/key", "launchkit-azure"),
        ("https://example.com/x", None),
        ("relative/path", None),
        ("file://elsewhere/x", None),
    ],
)
async def test_object_storage_is_refused_with_the_plugin_that_serves_it(
    uri: str, package: str | None, tmp_path: Path
) -> None:
    with pytest.raises(Rejected, match="absolute path only") as caught:
        await LocalEnvironment().upload(tmp_path, uri)
    assert package is None or package in str(caught.value.hint)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [("none", "x", "No such file"), (".", "x", "Is a directory"), ("file", "file/x", "xists|ot a")],
)
async def test_a_copy_that_fails_says_why_and_leaves_nothing(
    source: str, target: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("data")
    with pytest.raises(LaunchError, match=f"cannot copy .*({reason})"):
        await LocalEnvironment().upload(tmp_path / source, str(tmp_path / target))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def launch() -> Launch:
    return Launch(
        item_id="i", run_id="r", attempt=1, entity="e", project="p", name="n", author=None,
        queue="gpu", resource="kubernetes", source=GitSource(remote="https://h/r"), job=None,
        entry_point=(), args=(), env={}, config={}, files={}, artifacts={}, resource_args={},
        builder_args={}, limits=Limits(start=0, run=0, stop_grace=0),
    )  # fmt: skip


async def test_the_builder_that_builds_nothing_says_so(tmp_path: Path) -> None:
    request = BuildRequest(launch=launch(), code=tmp_path, destination=None)
    with pytest.raises(BuildError, match="noop builds none"):
        await NoopBuilder().build(request, RecordingOutput())


def test_both_are_built_in_plugins() -> None:
    plugins = Plugins(entry_points=False)
    assert plugins.get(Environment, "local") is LocalEnvironment
    assert plugins.get(Builder, "noop") is NoopBuilder
