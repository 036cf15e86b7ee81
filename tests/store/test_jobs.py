"""Jobs in versions, and packed code."""

from contextlib import suppress

import anyio
import pytest
from store.conftest import Store

from launchkit.abc import LaunchRequest
from launchkit.codec import encode_json
from launchkit.errors import ConfigError, NotFound, Rejected
from launchkit.model import GitSource, ImageSource, JobVersion, LaunchSpec, Recipe
from launchkit.store import jobs, submitting
from launchkit.store.hub_jobs import StoreJobs


async def create(store: Store, image: str, *aliases: str) -> tuple[JobVersion, bool]:
    recipe = Recipe(source=ImageSource(image=image))
    return await store.write(jobs.Create("e", "train", recipe, "ann", aliases))


async def test_versions_count_from_zero_and_latest_moves(store: Store) -> None:
    await create(store, "one", "stable")
    second, new = await create(store, "two")
    assert (second.reference, second.aliases, new) == ("train:v1", ("latest",), True)
    for reference, version in (("train", 1), ("train:latest", 1), ("train:stable", 0)):
        assert (await store.database.read(jobs.Get("e", reference))).version == version
    assert (await store.database.read(jobs.Get("e", "train:v0"))).aliases == ("stable",)


@pytest.mark.parametrize("number", ["9" * 9, "9" * 10, "9" * 25, "9" * 500, "٣"])
async def test_a_version_of_any_length_that_there_is_not_is_not_found(
    store: Store, number: str
) -> None:
    await create(store, "one")
    with pytest.raises(NotFound, match="job 'train' has no version or alias"):
        await store.database.read(jobs.Get("e", f"train:v{number}"))


async def test_the_same_recipe_is_the_same_version(store: Store) -> None:
    first, _ = await create(store, "one")
    again, new = await create(store, "one", "good")
    assert (again.version, new) == (first.version, False)
    assert set(again.aliases) == {"good", "latest"}


@pytest.mark.parametrize(
    ("ref", "commit", "said"),
    [
        ("main", None, r"git ref 'main' of https://git\.example/x: it is not known which commit"),
        (
            None,
            None,
            r"the default branch of https://git\.example/x: it is not known which commit that is",
        ),
        ("main", "abc123", "git commit 'abc123': is not the full id of a commit"),
    ],
)
async def test_what_may_be_other_code_by_the_time_that_it_runs_is_no_job_and_no_launch(
    store: Store, ref: str | None, commit: str | None, said: str
) -> None:
    source = GitSource(remote="https://git.example/x", ref=ref, commit=commit)
    recipe = Recipe(source=source, entry_point=("x",))
    with pytest.raises(Rejected, match=said):
        await store.write(jobs.Create("e", "train", recipe, "ann", ()))
    await store.queue()
    request = LaunchRequest(spec=LaunchSpec(recipe=recipe), actor="ann")
    with pytest.raises(Rejected, match=said):
        await store.write(submitting.Launch("e", "q", request))


async def test_a_ref_that_is_a_commit_is_one(store: Store) -> None:
    recipe = Recipe(source=GitSource(remote="https://git.example/x", ref="a" * 40))
    job, _ = await store.write(jobs.Create("e", "train", recipe, "ann", ()))
    assert job.recipe == recipe


async def test_what_is_not_there_is_explained(store: Store) -> None:
    await create(store, "one")
    with pytest.raises(NotFound) as job:
        await store.database.read(jobs.Get("e", "trian"))
    assert job.value.hint == "did you mean 'train'?"
    with pytest.raises(NotFound, match="no version or alias 'v9'"):
        await store.database.read(jobs.Get("e", "train:v9"))


async def test_an_alias_may_not_look_like_a_version(store: Store) -> None:
    with pytest.raises(ConfigError, match="looks like a version"):
        await create(store, "one", "v7")


async def test_a_job_whose_entry_point_names_no_program_is_refused(store: Store) -> None:
    recipe = Recipe(source=ImageSource(image="one"), entry_point=("",))
    with pytest.raises(Rejected, match="which names the program, is empty"):
        await store.write(jobs.Create("e", "train", recipe, "ann", ()))


async def test_a_version_has_only_so_many_aliases_however_they_come(store: Store) -> None:
    names = [f"a{number}" for number in range(jobs.MOST_ALIASES)]
    with pytest.raises(ConfigError, match="more than 100 aliases"):
        await create(store, "one", *names)
    await create(store, "one", *names[:-1])
    with pytest.raises(ConfigError, match="more than 100 aliases"):
        await create(store, "one", "another")
    moved, _ = await create(store, "two", *names[:50])
    assert len(moved.aliases) == 51
    again, _ = await create(store, "one", "another")
    assert len(again.aliases) == 51


async def test_a_version_has_only_so_many_aliases_however_many_give_it_some_at_once(
    store: Store,
) -> None:
    given = []

    async def give(letter: str) -> None:
        with suppress(ConfigError):
            given.append(await create(store, "one", *(f"{letter}{n}" for n in range(60))))

    await create(store, "one")
    async with anyio.create_task_group() as tasks:
        for letter in "abcdefgh":
            tasks.start_soon(give, letter)
    assert len(given) == 1


async def test_code_is_known_only_when_all_of_it_is_stored(store: Store) -> None:
    await store.write(jobs.PutChunk("d", 0, b"abc"))
    assert not await store.database.read(jobs.HasArchive("d"))
    with pytest.raises(NotFound):
        await store.database.read(jobs.GetChunk("d", 0))
    await store.write(jobs.SealArchive("d"))
    assert await store.database.read(jobs.GetChunk("d", 0)) == b"abc"
    assert await store.database.read(jobs.GetChunk("d", 1)) is None


async def test_however_many_jobs_and_versions_there_are_a_page_of_them_is_read_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PAGE", 2)
    for number in range(5):
        await create(store, f"image-{number}")
    recipe = Recipe(source=ImageSource(image="one"))
    for name in ("a", "b", "c"):
        await store.write(jobs.Create("e", name, recipe, "ann", ()))
    stored = StoreJobs(store.database, "e")
    page = await stored.page("train", None)
    assert [one.version for one in page] == [4, 3]
    assert [one.version for one in await stored.page("train", "v3")] == [2, 1]
    assert await stored.page("train", "v0") == []
    assert [one.version for one in await stored.list("train")] == [4, 3, 2, 1, 0]
    assert [one.name for one in await stored.page(None, "a")] == ["b", "c"]
    assert [one.name for one in await stored.list(None)] == ["a", "b", "c", "train"]
    with pytest.raises(ConfigError, match="after: 'three' is no version"):
        await stored.page("train", "three")


async def test_a_page_of_large_jobs_ends_before_it_is_too_large(store: Store) -> None:
    for number in range(4):
        recipe = Recipe(source=ImageSource(image="i"), config={"text": f"{number}" * 3_000_000})
        for name in (f"job-{number}", "one"):
            await store.write(jobs.Create("e", name, recipe, "ann", ()))
    stored = StoreJobs(store.database, "e")
    for name in (None, "one"):
        page = await stored.page(name, None)
        assert sum(len(encode_json(one.recipe)) for one in page) <= jobs.MOST_CHARACTERS
        assert len(page) == 2
    names = [one.name for one in await stored.list(None)]
    assert names == ["job-0", "job-1", "job-2", "job-3", "one"]
    assert [one.version for one in await stored.list("one")] == [3, 2, 1, 0]


async def test_the_aliases_of_jobs_count_in_a_page_and_only_so_many_are_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        await create(store, f"image-{number}", *(f"{number}{one}{'a' * 120}" for one in range(10)))
    monkeypatch.setattr(jobs, "MOST_CHARACTERS", 2500)
    stored = StoreJobs(store.database, "e")
    assert [len(one.aliases) for one in await stored.page("train", None)] == [11]
    monkeypatch.setattr(jobs, "MOST_ALIASES", 1)
    assert [len(one.aliases) for one in await stored.page("train", None)] == [1] * 4


async def test_a_page_of_jobs_is_the_same_however_few_are_read_at_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 2)
    for number in range(5):
        await create(store, f"image-{number}")
    versions = await store.database.read(jobs.List("e", "train", limit=3))
    assert [one.version for one in versions] == [4, 3, 2]
