"""Jobs, and the code that they share."""

from launchkit.errors import NotFound
from launchkit.model import ImageSource, Recipe
from launchkit.testing.contracts.conduct import refused
from launchkit.testing.contracts.hub.fixtures import UserContract
from launchkit.testing.contracts.service import UserSide, packed, pieces_of


class JobContract(UserContract):
    """What `jobs` promises."""

    async def test_a_recipe_is_kept_as_it_was_given(self, user: UserSide) -> None:
        """With who gave it."""
        recipe = Recipe(
            source=ImageSource(image="i"), entry_point=("python", "a.py"), args=("-v",),
            env={"A": None, "B": "c"}, config={"x": [1]}, resource_args={"nice": 1}, runtime="3.12",
        )  # fmt: skip
        made, new = await user.jobs.create("train", recipe, "ann", [])
        got = await user.jobs.get("train:v0")
        assert (got.recipe, got.author, got.name, new) == (recipe, "ann", "train", True), (
            "a job is kept as it was made, and tells its author"
        )
        assert got == made, "`get` gives what `create` gave"

    async def test_equal_recipes_are_one_version_and_new_ones_count_up(
        self, user: UserSide
    ) -> None:
        """For each job of its own; `latest` is the one that was given last."""
        versions = [
            await user.jobs.create("train", self.recipe(image), "ann", aliases)
            for image, aliases in (("one", ["best"]), ("two", []), ("two", []))
        ]
        numbers = [(job.version, new) for job, new in versions]
        assert numbers == [(0, True), (1, True), (1, False)], (
            "versions count from 0, and equal recipes are one version"
        )
        other, new = await user.jobs.create("other", self.recipe("two"), "ann", [])
        assert (other.version, new) == (0, True), "each job has versions of its own"
        for reference, version in (("train", 1), ("train:latest", 1), ("train:v0", 0),
                                   ("train:best", 0)):  # fmt: skip
            got = (await user.jobs.get(reference)).version
            assert got == version, f"{reference} is version {version}"
        assert len(await user.jobs.list("train")) == 2, "an equal recipe is no new version"

    async def test_aliases_move_to_the_version_that_is_given_with_them(
        self, user: UserSide
    ) -> None:
        """Also to one that is there already, and `latest` with each."""
        await user.jobs.create("train", self.recipe("one"), "ann", ["best"])
        await user.jobs.create("train", self.recipe("two"), "ann", ["best", "x"])
        assert (await user.jobs.get("train:best")).version == 1, "an alias moves to a new version"
        again, new = await user.jobs.create("train", self.recipe("one"), "ann", ["best"])
        assert (again.version, new) == (0, False), "an equal recipe is no new version"
        versions = [(await user.jobs.get(f"train:{tag}")).version for tag in ("best", "x")]
        assert versions == [0, 1], "an alias that is named moves, and no other but `latest`"
        assert (await user.jobs.get("train")).version == 0, "`latest` moves to what was given last"
        aliases = {*(await user.jobs.get("train:v0")).aliases}
        assert aliases == {"best", "latest"}, "a version tells its aliases"

    async def test_jobs_are_listed_and_a_missing_one_is_not_found(self, user: UserSide) -> None:
        """The latest of each, or all of one."""
        for name, image in (("a", "one"), ("a", "two"), ("b", "one")):
            await user.jobs.create(name, self.recipe(image), "ann", [])
        listed = {job.reference for job in await user.jobs.list(None)}
        assert listed == {"a:v1", "b:v0"}, "the latest version of each job is listed"
        listed = {job.reference for job in await user.jobs.list("a")}
        assert listed == {"a:v0", "a:v1"}, "all versions of one job are listed"
        for reference in ("c", "a:v2", "a:no-such-alias"):
            with refused(NotFound, "a job that is not there is not found"):
                await user.jobs.get(reference)

    async def test_packed_code_is_known_once_all_of_it_is_there(self, user: UserSide) -> None:
        """A broken upload leaves nothing that looks whole."""
        digest, code = packed(b"one two")
        assert not await user.jobs.has_archive(digest), "what was not stored is not known"
        with refused(ConnectionError, "an upload that breaks off says so"):
            await user.jobs.put_archive(digest, pieces_of([code[:5]], broken=True))
        assert not await user.jobs.has_archive(digest), "half an upload is not known"
        await user.jobs.put_archive(digest, pieces_of([code[:5], code[5:]]))
        assert await user.jobs.has_archive(digest), "what was stored is known"
        await user.jobs.put_archive(digest, pieces_of([code[:5], code[5:]]))
        assert await user.jobs.has_archive(digest), "what is stored again stays known"
        assert not await user.jobs.has_archive("2" * 64), "other code is other code"

    def recipe(self, image: str) -> Recipe:
        """A recipe that is told by its image."""
        return Recipe(source=ImageSource(image=image))
