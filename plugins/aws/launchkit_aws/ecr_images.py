"""What ECR says of images: questions that come at the same time are asked as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from launchkit.errors import LaunchError, unwrapped
from launchkit_aws.ecr_names import EcrRepository
from launchkit_aws.errors import AwsRefused, explained

AT_MOST = 100
"""Images of one request."""
AT_ONCE = 5
PULLED = "ACTIVE"
"""What an image is that can be pulled; others are archived."""

ImageId = tuple[str, str]
"""`imageTag` or `imageDigest`, and its text."""


@dataclass(eq=False)
class _Question:
    image: ImageId
    answered: bool = False
    digest: str | None = None
    failure: LaunchError | None = None


class EcrImages:
    """The images of one repository. While one request is under way, questions gather for the next.

    Nothing is remembered.
    """

    def __init__(self, ecr: Any, repository: EcrRepository) -> None:
        self._ecr = ecr
        self._repository = repository
        self._waiting: list[_Question] = []
        self._turn = anyio.Lock()

    async def digest(self, image: ImageId) -> str | None:
        """The digest of an image; None: there is none. :raises AwsError: if it cannot be told."""
        question = _Question(image)
        self._waiting.append(question)
        try:
            async with self._turn:
                if not question.answered:
                    await self._ask()
        finally:
            if question in self._waiting:
                self._waiting.remove(question)
        if question.failure:
            raise question.failure
        return question.digest

    async def _ask(self) -> None:
        asked = self._waiting[:AT_MOST]
        failure: LaunchError | None = None
        found: Mapping[ImageId, str] = {}
        try:
            found = await self._found([*dict.fromkeys(one.image for one in asked)])
        except LaunchError as exc:
            failure = exc
        for one in asked:
            one.answered, one.digest, one.failure = True, found.get(one.image), failure
        self._waiting = [one for one in self._waiting if not one.answered]

    async def _found(self, images: Sequence[ImageId]) -> Mapping[ImageId, str]:
        """The digests of those that are there. ECR refuses to tell of any if one is missing."""
        found = await self._described(images)
        if found is not None:
            return found
        each: dict[ImageId, str] = {}
        limit = anyio.CapacityLimiter(AT_ONCE)

        async def ask(image: ImageId) -> None:
            async with limit:
                each.update(await self._described([image]) or {})

        if len(images) > 1:
            with unwrapped():
                async with anyio.create_task_group() as tasks:
                    for image in images:
                        tasks.start_soon(ask, image)
        return each

    async def _described(self, images: Sequence[ImageId]) -> Mapping[ImageId, str] | None:
        """None: one of them is missing."""
        try:
            with explained(f"ECR: {self._repository.uri}"):
                answer = await self._ecr.describe_images(
                    registryId=self._repository.account,
                    repositoryName=self._repository.name,
                    imageIds=[dict([image]) for image in images],
                )
                return _digests(answer)
        except AwsRefused as exc:
            if exc.reason == "ImageNotFoundException":
                return None
            if exc.reason == "RepositoryNotFoundException":
                return {}
            raise


def _digests(answer: Mapping[str, Any]) -> Mapping[ImageId, str]:
    """Of those that can be pulled."""
    digests: dict[ImageId, str] = {}
    for told in answer.get("imageDetails", ()):
        if told.get("imageStatus", PULLED) != PULLED or "imageDigest" not in told:
            continue
        digest = str(told["imageDigest"])
        digests["imageDigest", digest] = digest
        digests |= {("imageTag", tag): digest for tag in told.get("imageTags", ())}
    return digests
