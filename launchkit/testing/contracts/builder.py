"""The suite for builders."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import ClassVar

import anyio
import anyio.lowlevel
import pytest

from launchkit.abc import Builder
from launchkit.errors import BuildError
from launchkit.images.ref import ImageRef
from launchkit.model import BuildRequest, Image
from launchkit.testing.contracts.builder_case import BuilderCase
from launchkit.testing.contracts.conduct import (
    MOMENTS,
    cancelled,
    everything_told,
    nothing_left,
    refused,
    together,
    well_behaved,
)
from launchkit.testing.contracts.deadline import within
from launchkit.testing.contracts.workshop import CHANGES, Spoken, Workshop, exchange, facts
from launchkit.testing.trees import (
    SAMPLE,
    File,
    differences,
    write_tree,
)

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class BuilderContract(BuilderCase):
    """Give the fixtures `builder` (started), and `workshop`, the `Workshop` around it. For a
    builder that never builds, its refusal is all that is looked at.
    """

    can_be_away: ClassVar[bool] = True
    """False: there is no way to take away what it builds by, so how that is told is not proved."""

    async def test_an_image_has_the_name_of_its_destination(
        self, builder: Builder, request_: BuildRequest
    ) -> None:
        """The runner pulls it from there."""
        image = await self.build(builder, request_)
        ref = ImageRef.parse(image.ref)
        assert ref.tag or ref.digest, f"an image is named by a tag or digest, unlike {image.ref}"
        if request_.destination:
            place = ImageRef.parse_repository(request_.destination)
            there = (ref.registry, ref.path) == (place.registry, place.path)
            assert there, f"an image has the name of its destination, unlike {image.ref}"
        fits = image.digest is None or DIGEST.fullmatch(image.digest)
        assert fits, f"a digest is sha256: and 64 hex digits, not {image.digest!r}"
        assert all(image.warnings), "a warning says something"
        assert isinstance(image.warnings, tuple), "warnings are a tuple of texts"

    async def test_an_image_is_there_when_it_was_built(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest
    ) -> None:
        """And stays there when another is built."""
        first = await self.build(builder, request_)
        assert await workshop.has(first), "an image is there when `build` returns, with its digest"
        (request_.code / "train.py").write_bytes(b"other")
        second = await self.build(builder, request_)
        assert await workshop.has(second), "each image is there when `build` returns"
        assert await workshop.has(first), "an image stays there when another is built"

    async def test_all_code_is_in_the_image_as_it_is(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest
    ) -> None:
        """With dot files, links, programs, odd names and every byte."""
        found = await workshop.code(await self.build(builder, request_))
        if found is not None:
            wrong = differences(found, SAMPLE)
            assert not wrong, f"all code is in the image as it is, but: {wrong}"

    async def test_equal_code_has_one_image(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest, tmp_path: Path
    ) -> None:
        """Wherever it lies, whenever it was written, by whomever it is launched."""
        ref = (await self.build(builder, request_)).ref
        assert (await self.build(builder, request_)).ref == ref, "what is built again is the same"
        backwards = {name: SAMPLE[name] for name in reversed([*SAMPLE])}
        other = workshop.request(write_tree(backwards, tmp_path / "elsewhere"))
        for path in other.code.rglob("*"):
            if path.is_file() and not path.is_symlink():
                os.utime(path, (1e9, 1e9))
        (other.code / "empty").chmod(0o600)
        again = await self.build(builder, other)
        assert again.ref == ref, "the place, times and owners of code do not count"
        launch = replace(
            request_.launch, item_id="x", run_id="x", attempt=7, author="bob", name="x"
        )
        again = await self.build(builder, replace(request_, launch=launch))
        assert again.ref == ref, "launches of the same code share an image"

    async def test_all_agents_name_an_image_alike(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest
    ) -> None:
        """What one has built, the next finds."""
        ref = (await self.build(builder, request_)).ref
        another = workshop.another()
        if another is None:
            return
        async with another as colleague:
            again = await self.build(colleague, request_)
        assert again.ref == ref, "all agents name an image alike"
        assert await workshop.has(again), "an image is there, whoever built it"

    async def test_other_code_has_another_image(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest, tmp_path: Path
    ) -> None:
        """Whatever has changed in it."""
        refs = {(await self.build(builder, request_)).ref: "the code"}
        for change, tree in CHANGES.items():
            code = write_tree({**SAMPLE, **(tree or {})}, tmp_path / change)
            ref = (await self.build(builder, workshop.request(code))).ref
            assert ref not in refs, f"{change} makes another image, not that of {refs[ref]}"
            refs[ref] = change

    async def test_code_that_is_moved_or_removed_has_another_image(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest, tmp_path: Path
    ) -> None:
        """Names count, not contents alone."""
        refs = {(await self.build(builder, request_)).ref: "the code"}
        steps: Mapping[str, Callable[[Path], object]] = {
            "a renamed file": lambda code: (code / "run.sh").rename(code / "start.sh"),
            "a file in another directory": lambda code: (code / "run.sh").rename(code / "a/run.sh"),
            "a removed file": lambda code: (code / "empty").unlink(),
            "files that were exchanged": exchange,
        }
        for change, step in steps.items():
            code = write_tree(SAMPLE, tmp_path / change)
            step(code)
            ref = (await self.build(builder, workshop.request(code))).ref
            assert ref not in refs, f"{change} makes another image, not that of {refs[ref]}"
            refs[ref] = change

    async def test_each_platform_has_an_image_of_its_own(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest
    ) -> None:
        """A machine of another kind cannot run it."""
        wanted = [replace(request_, platform=each) for each in workshop.platforms]
        refs = {(await self.build(builder, each)).ref for each in wanted}
        assert len(refs) == len(wanted), f"each platform has an image of its own, not {refs}"

    async def test_the_code_stays_as_it_was(self, builder: Builder, request_: BuildRequest) -> None:
        """It may be built again from the same directory."""
        before = facts(request_.code)
        await self.build(builder, request_)
        after = facts(request_.code)
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        assert not changed, f"the code stays as it was, but {changed} changed"
        beside = [path.name for path in request_.code.parent.iterdir()]
        assert beside == [request_.code.name], f"nothing is left beside the code, but: {beside}"

    async def test_what_a_build_prints_is_read(
        self, builder: Builder, request_: BuildRequest
    ) -> None:
        """The log of the launch begins with it, and ends before the run's own."""
        out = Spoken()
        await self.build(builder, request_, out)
        assert out.text.strip(), "a build says something to `out`"
        await anyio.sleep(0.02)
        assert not out.late, f"when `build` has returned, nothing is said any more: {out.late!r}"

    async def test_what_cannot_be_built_is_a_build_error_that_says_why(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest
    ) -> None:
        """The author of the code reads it, with the end of the build's log."""
        word, out = workshop.spoil(request_.code), Spoken()
        for _ in range(2):
            with refused(BuildError, "what cannot be built is a BuildError") as caught:
                await self.build(builder, request_, out)
            told = f"{caught.value.message}\n{caught.value.hint}"
            assert len(caught.value.message.split()) > 2, f"an error is a sentence, unlike {told}"
            assert word in told, f"an error tells the end of the build's log ({word}): {told}"
        assert word in out.text, "what a build prints is in the log, also when it fails"

    async def test_a_failure_is_not_remembered(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest, tmp_path: Path
    ) -> None:
        """Its author mends the code and launches it again."""
        good = await self.build(builder, request_)
        code = write_tree(SAMPLE, tmp_path / "mended")
        spoiled = workshop.request(code)
        workshop.spoil(code)
        with refused(BuildError, "what cannot be built is a BuildError"):
            await self.build(builder, spoiled)
        for path in sorted(code.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        mended = workshop.request(write_tree({**SAMPLE, "new": File(b"")}, code))
        image = await self.build(builder, mended)
        assert image.ref != good.ref, "mended code is built anew"
        assert await workshop.has(image), "a failure is not remembered"

    async def test_what_is_away_is_a_build_error_until_it_is_back(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest
    ) -> None:
        """It fails a launch or two, not the agent."""
        if not self.can_be_away:
            return
        async with workshop.away():
            with refused(BuildError, "what is away is a BuildError") as caught:
                await self.build(builder, request_)
            assert len(caught.value.message.split()) > 2, "an error is a sentence that says why"
        assert await workshop.has(await self.build(builder, request_)), "being away is forgotten"

    async def test_no_password_is_told(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest
    ) -> None:
        """Everyone who sees the launch reads its log."""
        out = Spoken()
        image = await self.build(builder, request_, out)
        told = [out.text, *out.marks, repr(image), repr(builder)]
        workshop.spoil(request_.code)
        with refused(BuildError, "what cannot be built is a BuildError") as caught:
            await self.build(builder, request_, out)
        told += [everything_told(caught.value), out.text]
        if self.can_be_away:
            async with workshop.away():
                with refused(BuildError, "what is away is a BuildError") as caught:
                    await self.build(builder, request_, out)
            told.append(everything_told(caught.value))
        for password in workshop.passwords:
            assert password not in "\n".join(told), "a password is told nowhere"

    async def test_builds_at_the_same_time_are_not_in_each_others_way(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest, tmp_path: Path
    ) -> None:
        """Of the same code and of others."""
        other = workshop.request(
            write_tree({**SAMPLE, "train.py": File(b"other")}, tmp_path / "other")
        )
        asked = [request_, other, request_, other]
        images: dict[int, Image] = {}

        async def act(number: int) -> None:
            images[number] = await builder.build(asked[number], Spoken())

        acts = [partial(act, number) for number in range(len(asked))]
        await together(self.patience, "builds at the same time all end", acts, request_.code)
        refs = [images[number].ref for number in range(len(asked))]
        assert refs[0] == refs[2] != refs[1] == refs[3], f"each build gives its own image: {refs}"
        for image in images.values():
            assert await workshop.has(image), "each image is there when its build has ended"
        for number, wanted in ((0, b"print('hello')\n"), (1, b"other")):
            found = await workshop.code(images[number])
            right = found is None or found["train.py"] == File(wanted)
            assert right, "in each image is the code that it was asked for"

    @pytest.mark.parametrize("after", MOMENTS)
    async def test_a_build_that_is_cancelled_ends_and_spoils_no_other(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest, after: float
    ) -> None:
        """A launch is stopped, or its agent dies; the next one builds."""
        out = Spoken()
        done = await cancelled(partial(builder.build, request_, out), after, self.patience)
        out.over = True
        image = await self.build(builder, request_)
        assert done in {(), (image,)}, f"who is cancelled gives no wrong image: {done}"
        assert await workshop.has(image), "what was cancelled is built by the next one"
        found = await workshop.code(image)
        wrong = differences(found, SAMPLE) if found is not None else ""
        assert not wrong, f"nothing half built is taken for an image, but: {wrong}"
        assert not out.late, f"when a cancelled build has ended, it says no more: {out.late!r}"

    @pytest.mark.parametrize("after", MOMENTS[::2])
    async def test_of_two_at_once_one_may_be_cancelled(
        self, builder: Builder, workshop: Workshop, request_: BuildRequest, after: float
    ) -> None:
        """The other one gets its image."""
        first = partial(builder.build, request_, Spoken())
        with within(self.patience, "a build ends though another is cancelled"):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(cancelled, first, after, self.patience)
                await anyio.lowlevel.checkpoint()
                image = await self.build(builder, request_)
        assert await workshop.has(image), "an image is there though another build was cancelled"

    async def test_a_link_out_of_the_code_does_not_bring_what_it_points_to(
        self, builder: Builder, workshop: Workshop, code: Path, tmp_path: Path
    ) -> None:
        """Code must not get at files of the agent's machine."""
        (tmp_path / "key").write_bytes(b"a key of the agent")
        (code / "key").symlink_to(tmp_path / "key")
        try:
            found = await workshop.code(await self.build(builder, workshop.request(code)))
        except BuildError:
            return
        brought = isinstance((found or {}).get("key"), File)
        assert not brought, "a link is not followed out of the code"

    async def test_building_leaves_nothing_in_the_process(
        self,
        builder: Builder,
        request_: BuildRequest,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """An agent builds for months."""
        number = count()

        async def act() -> None:
            (request_.code / "train.py").write_text(f"print({next(number)})")
            await self.build(builder, request_)

        await nothing_left(act, "a build", tmp_path, monkeypatch)

    async def test_whether_it_works_here_is_told_soon(self, builder: Builder) -> None:
        """An agent without a configured builder asks each that is installed."""
        with well_behaved(self.patience, "whether a builder works here is told soon"):
            answer = await builder.works_here()
        assert isinstance(answer, bool), f"it works here or does not, not {answer!r}"

    async def test_what_never_builds_refuses(
        self, builder: Builder, workshop: Workshop, tmp_path: Path
    ) -> None:
        """Agents do not ask it; who asks all the same is told."""
        if builder.builds:
            return
        request = workshop.request(write_tree(SAMPLE, tmp_path / "code"))
        with refused(BuildError, "what never builds refuses with a BuildError") as caught:
            await self.build(builder, request)
        assert len(caught.value.message.split()) > 2, "a refusal is a sentence"
