"""The user's side of the store: jobs, and the code that they share."""

from collections.abc import AsyncIterator, Sequence

from launchkit.abc import Jobs
from launchkit.model import JobVersion, Recipe
from launchkit.store import jobs
from launchkit.store.hub import Group


class StoreJobs(Group, Jobs):
    """Jobs of one entity, over an open database."""

    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        body = jobs.Create(self.entity, name, recipe, actor, aliases)
        return await self.database.write(body)

    async def get(self, reference: str) -> JobVersion:
        return await self.database.read(jobs.Get(self.entity, reference))

    async def page(self, name: str | None, after: str | None) -> Sequence[JobVersion]:
        return await self.database.read(jobs.List(self.entity, name, after))

    async def has_archive(self, digest: str) -> bool:
        return await self.database.read(jobs.HasArchive(digest))

    async def put_archive(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        number = 0
        async for data in chunks:
            await self.database.write(jobs.PutChunk(digest, number, data))
            number += 1
        await self.database.write(jobs.SealArchive(digest))
