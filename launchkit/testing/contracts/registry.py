"""The suite for registries."""

import gc
import re
import time
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from launchkit.abc import Registry
from launchkit.errors import LaunchError
from launchkit.images.ref import ImageRef
from launchkit.model import Secret
from launchkit.testing.contracts.conduct import (
    MOMENTS,
    cancelled,
    everything_told,
    nothing_grows,
    refused,
    together,
    well_behaved,
)
from launchkit.testing.contracts.registry_case import Depot, RegistryCase

TAGS = ("v1", "0123456789abcdef0123", "Rel-1.0_x", "_private", "t" * 128)
LEFT_TO_THE_COLLECTOR = (
    "ignore:Exception ignored in. <(function _SelectorTransport|socket)"
    ":pytest.PytestUnraisableExceptionWarning"
)
"""httpx closes no connection that is cut off in its TLS handshake."""
DECADE = 10 * 365 * 86400.0
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class RegistryContract(RegistryCase):
    """Give the fixtures `registry` (started), and `depot`, the `Depot` behind it."""

    can_be_away: ClassVar[bool] = True
    """False: there is no way to make it unreachable, so how that is told is not proved."""

    @pytest.mark.parametrize("tag", TAGS)
    async def test_a_reference_is_a_name_with_its_tag(self, registry: Registry, tag: str) -> None:
        """Any client of the registry understands it."""
        ref = self.ref(registry, tag)
        assert "://" not in ref, f"a reference has no scheme: {ref}"
        image = ImageRef.parse(ref)
        assert image.tag == tag, f"a reference has the tag that it is made for: {ref}"
        assert image.digest is None, f"a reference of a tag names no digest: {ref}"
        assert self.ref(registry, tag) == ref, "equal tags have equal references"

    async def test_references_differ_in_their_tags_alone(self, registry: Registry) -> None:
        """All images of an agent are in one repository."""
        names = {ImageRef.parse(self.ref(registry, tag)).path for tag in TAGS}
        assert len(names) == 1, f"references differ in their tags alone, not in {names}"

    async def test_its_hosts_are_where_its_references_are(self, registry: Registry) -> None:
        """A builder's destination there gets this class as its registry."""
        kind = type(registry)
        ref = self.ref(registry, "v1")
        if kind.hosts:
            told = kind.answers_for(ref.rpartition(":")[0])
            assert told, f"it answers for the hosts of its own references, but not for {ref}"
        for host in ("registry.invalid", "localhost.invalid:5000"):
            told = kind.answers_for(f"{host}/x")
            assert not told, f"it answers for its own hosts alone, not for {host}"

    async def test_an_image_that_is_there_is_found(self, registry: Registry, depot: Depot) -> None:
        """It is not built again."""
        await depot.push("v1")
        assert await self.has(registry, "v1"), "an image that is there is found"

    async def test_an_image_that_is_not_there_is_no_error(
        self, registry: Registry, depot: Depot
    ) -> None:
        """It will be built. Tags that look alike are others, and so are repositories."""
        await depot.push("v1")
        for tag in ("no-such-tag", "v", "v11", "V1", "1"):
            assert not await self.has(registry, tag), f"v1 is there, and {tag} is not"
        other = self.ref(registry, "v1").replace(":v1", "-other:v1")
        with well_behaved(self.patience, "what is in no repository is told"):
            assert not await registry.exists(other), "a tag is there in its own repository alone"

    async def test_an_image_that_comes_is_found(self, registry: Registry, depot: Depot) -> None:
        """Who waited for another agent's build looks again."""
        for _ in range(2):
            assert not await self.has(registry, "v1"), "an image that is not there is not found"
            assert await self.digest(registry, "v1") is None, "what is not there has no digest"
        await depot.push("v1")
        assert await self.has(registry, "v1"), "that nothing was there is not remembered"

    async def test_an_image_that_goes_is_not_found_any_more(
        self, registry: Registry, depot: Depot
    ) -> None:
        """A registry is tidied up; a run that cannot be pulled would fail."""
        await depot.push("v1")
        await depot.push("v2")
        for tag in ("v1", "v2"):
            assert await self.has(registry, tag), "an image that is there is found"
            await self.digest(registry, tag)
        await depot.remove("v1")
        assert not await self.has(registry, "v1"), "that an image was there is not remembered"
        assert await self.digest(registry, "v1") is None, "what is gone has no digest"
        assert await self.has(registry, "v2"), "an image is there as long as it is"

    async def test_the_digest_is_that_of_the_image(self, registry: Registry, depot: Depot) -> None:
        """The run uses it, so that it gets the image that was meant."""
        pushed = {tag: await depot.push(tag) for tag in ("v1", "v2")}
        for tag, digest in pushed.items():
            told = await self.digest(registry, tag)
            if told is None:
                continue
            assert DIGEST.fullmatch(told), f"a digest is sha256: and 64 hex digits, not {told!r}"
            if digest is not None:
                assert told == digest, "the digest is that of the image of the tag"
            pinned = f"{self.ref(registry, tag).rpartition(':')[0]}@{told}"
            assert await registry.exists(pinned), "an image is found by its digest, too"

    async def test_the_digest_follows_its_tag(self, registry: Registry, depot: Depot) -> None:
        """A tag that was moved means another image."""
        await depot.push("v1")
        before = await self.digest(registry, "v1")
        await depot.push("v1")
        after = await self.digest(registry, "v1")
        assert (before is None) == (after is None), "a digest is known of each image or of none"
        if before is not None:
            assert before != after, "the digest is that of the image that the tag means now"

    async def test_many_questions_at_once_have_each_their_answer(
        self, registry: Registry, depot: Depot
    ) -> None:
        """An agent prepares many launches."""
        pushed = {f"t{number}": await depot.push(f"t{number}") for number in range(0, 12, 2)}
        told: dict[str, tuple[bool, str | None]] = {}

        async def ask(tag: str) -> None:
            ref = registry.image_ref(tag)
            told[tag] = (await registry.exists(ref), await registry.digest(ref))

        acts = [partial(ask, f"t{number}") for number in range(12)]
        await together(self.patience, "questions at the same time are all answered", acts)
        for tag, (there, digest) in told.items():
            assert there == (tag in pushed), f"each question has its own answer, but {tag} has not"
            assert digest in {None, pushed.get(tag)}, f"{tag} has a digest of its own"

    @pytest.mark.parametrize("after", MOMENTS[:4])
    @pytest.mark.filterwarnings(LEFT_TO_THE_COLLECTOR)
    async def test_a_question_that_is_cancelled_ends_and_spoils_no_other(
        self, registry: Registry, depot: Depot, after: float
    ) -> None:
        """A launch may be stopped at any time."""
        await depot.push("v1")
        ref = registry.image_ref("v1")
        answer = await cancelled(partial(registry.exists, ref), after, self.patience)
        assert answer in {(), (True,)}, f"who is cancelled gives no wrong answer: {answer}"
        await cancelled(registry.credentials, after, self.patience)
        assert await self.has(registry, "v1"), "after a cancelled question the next is answered"
        await self.login(registry)
        gc.collect()

    async def test_a_login_is_valid_and_keeps_its_password_to_itself(
        self, registry: Registry, depot: Depot
    ) -> None:
        """It is asked for shortly before it is used."""
        login = await self.login(registry)
        if login is None:
            return
        assert login.username, "a login has a user"
        assert login.password, "a login has a password"
        assert type(login.password) is Secret, "a password is a Secret, which does not print itself"
        now, expires = time.time(), login.expires_at or time.time() + 1
        assert expires > now, "a login is valid when it is given"
        assert expires < now + DECADE, f"a login expires at a Unix time in seconds, not {expires}"
        assert await depot.accepts(login), "the registry accepts the login"
        for shown in (repr(login), repr(registry), str(registry), self.ref(registry, "v1")):
            assert str.__str__(login.password) not in shown, "a password is shown nowhere"

    async def test_a_login_that_has_aged_is_renewed(self, registry: Registry, depot: Depot) -> None:
        """An agent lives longer than its logins."""
        await depot.push("v1")
        for _ in range(2):
            login = await self.login(registry)
            if login is None or not await depot.age():
                return
            assert not await depot.accepts(login), "the depot's `age` makes a login invalid"
            again = await self.login(registry)
            assert again is not None, "a login is given again when the last one has aged"
            assert await depot.accepts(again), "a login is asked for anew when the last has aged"
            assert again.expires_at is None or again.expires_at > time.time(), (
                "a new login has not expired"
            )
            assert await self.has(registry, "v1"), "it asks with a new login when the old has aged"

    async def test_a_registry_that_is_away_is_an_error_and_no_answer(
        self, registry: Registry, depot: Depot
    ) -> None:
        """What is there must not be built again, and what is not must not be run."""
        if not self.can_be_away:
            return
        await depot.push("v1")
        await self.has(registry, "v1")
        login = await self.login(registry)
        asked = [self.has, self.has, *([self.digest] if await self.digest(registry, "v1") else [])]
        async with depot.away():
            for ask in asked:
                with refused(
                    LaunchError, "a registry that is away is a LaunchError, and no answer"
                ) as caught:
                    await ask(registry, "v1")
                assert len(caught.value.message.split()) > 2, "an error is a sentence that says why"
                told = everything_told(caught.value)
                if login is not None:
                    assert str.__str__(login.password) not in told, "an error tells no password"
        assert await self.has(registry, "v1"), "that it was away is not remembered"

    async def test_a_check_says_that_a_registry_is_away(
        self, registry: Registry, depot: Depot
    ) -> None:
        """`launchkit doctor` finds it before a launch does, and shows no password."""
        with well_behaved(self.patience, "a check ends"):
            before = await registry.check()
        bad = [finding for finding in before if finding.level == "error"]
        assert not bad, f"a check finds no fault where there is none: {bad}"
        login = await self.login(registry)
        if not self.can_be_away or not before:
            return
        async with depot.away():
            with well_behaved(self.patience, "a check of what is away ends"):
                found = await registry.check()
        assert any(finding.level == "error" for finding in found), "a check says that it is away"
        if login is not None:
            assert str.__str__(login.password) not in repr([*before, *found]), (
                "a check shows no password"
            )

    async def test_looking_changes_nothing(self, registry: Registry, depot: Depot) -> None:
        """Questions and checks are read-only."""
        await depot.push("v1")
        digest, tags = await self.digest(registry, "v1"), await depot.tags()
        await self.has(registry, "v2")
        await registry.check()
        assert await depot.tags() == tags, "questions and checks leave no image behind"
        assert not await self.has(registry, "v2"), "a question does not make what it asks for"
        assert await self.digest(registry, "v1") == digest, "a question leaves an image as it is"

    async def test_asking_leaves_nothing_in_the_process(
        self, registry: Registry, depot: Depot, tmp_path: Path
    ) -> None:
        """An agent asks for months."""
        await depot.push("v1")

        async def act() -> None:
            await self.has(registry, "v1")
            await self.has(registry, "v2")
            await self.digest(registry, "v1")
            await self.login(registry)

        await nothing_grows(act, "a question")
