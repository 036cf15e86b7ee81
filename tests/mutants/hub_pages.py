"""Hubs whose events, logs or jobs are wrong."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import anyio

from launchkit.errors import Conflict, NotFound
from launchkit.model import (
    Event,
    JobVersion,
    LogPage,
    Recipe,
)
from launchkit.store.hub import StoreLaunches, StoreLogs
from launchkit.store.hub_jobs import StoreJobs
from mutants.hub_items import execute

HOUR = 3600.0


class EventsNeverWait(StoreLaunches):
    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        return await super().changed(item_id, since, 0)


class EventsWaitForEver(StoreLaunches):
    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        while True:
            events = await super().changed(item_id, since, HOUR if wait else 0)
            if events or not wait:
                return events


class EventsWakeNobody(StoreLaunches):
    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        if events := await super().changed(item_id, since, 0):
            return events
        await anyio.sleep(wait)
        return await super().changed(item_id, since, 0)


class EventsWaitFirst(StoreLaunches):
    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        await anyio.sleep(wait)
        return await super().changed(item_id, since, 0)


class AllEventsWakeNobody(EventsWakeNobody):
    async def changed(self, item_id: str | None, since: int, wait: float) -> Sequence[Event]:
        if item_id is None:
            return await super().changed(item_id, since, wait)
        return await StoreLaunches.changed(self, item_id, since, wait)


class Changed(StoreLogs):
    """A page that is not what it was."""

    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        return self.page(await super().read(item_id, attempt, offset, wait))

    def page(self, page: LogPage) -> LogPage:
        raise NotImplementedError


class LogIsAlwaysComplete(Changed):
    def page(self, page: LogPage) -> LogPage:
        return replace(page, complete=True)


class LogIsNeverComplete(Changed):
    def page(self, page: LogPage) -> LogPage:
        return replace(page, complete=False)


class LogSizeIsThatOfThePage(Changed):
    def page(self, page: LogPage) -> LogPage:
        return replace(page, size=len(page.data))


class LogStartsAtZero(Changed):
    def page(self, page: LogPage) -> LogPage:
        return replace(page, offset=0)


class LogIsText(Changed):
    def page(self, page: LogPage) -> LogPage:
        return replace(page, data=page.data.decode(errors="replace").encode())


class LogOfTheLatestOnly(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        return await super().read(item_id, None, offset, wait)


class LogOfTheFirst(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        return await super().read(item_id, attempt or 1, offset, wait)


class OldLogIsOpen(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        page = await super().read(item_id, attempt, offset, wait)
        latest = await super().read(item_id, None, 0, 0)
        return replace(page, complete=latest.complete)


class LogFromTheStart(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        page = await super().read(item_id, attempt, 0, wait)
        return replace(page, offset=offset)


class LogNeverWaits(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        return await super().read(item_id, attempt, offset, 0)


class LogWaitsForEver(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        while True:
            page = await super().read(item_id, attempt, offset, HOUR if wait else 0)
            if page.data or page.complete or not wait:
                return page


class LogWakesNobody(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        page = await super().read(item_id, attempt, offset, 0)
        if page.data or page.complete:
            return page
        await anyio.sleep(wait)
        return await super().read(item_id, attempt, offset, 0)


class LogEndWakesNobody(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        page = await super().read(item_id, attempt, offset, 0)
        if page.data or page.complete:
            return page
        with anyio.move_on_after(wait):
            while not page.data:
                await anyio.sleep(0.02)
                page = await super().read(item_id, attempt, offset, 0)
        return page


class LogWaitsAtItsEnd(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        page = await super().read(item_id, attempt, offset, 0)
        if not page.data:
            await anyio.sleep(wait)
            page = await super().read(item_id, attempt, offset, 0)
        return page


class LogOfNothing(StoreLogs):
    async def read(self, item_id: str, attempt: int | None, offset: int, wait: float) -> LogPage:
        try:
            return await super().read(item_id, attempt, offset, wait)
        except NotFound:
            return LogPage(offset=offset, data=b"", size=0, complete=True)


class LatestStays(StoreJobs):
    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        known = {job.digest: job for job in await self.known(name)}
        job, new = await super().create(name, recipe, actor, aliases)
        if not new and known:
            last = max(known.values(), key=lambda one: one.version)
            await execute(self.database, "update job_alias set version = :v where alias = 'latest'"
                          " and name = :name", v=last.version, name=name)  # fmt: skip
        return job, new

    async def known(self, name: str) -> Sequence[JobVersion]:
        try:
            return await self.list(name)
        except NotFound:
            return []


class NewIsNeverTold(StoreJobs):
    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        job, _ = await super().create(name, recipe, actor, aliases)
        return job, True


class JobsWithoutEnv(StoreJobs):
    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        return await super().create(name, replace(recipe, env={}), actor, aliases)


class JobsWithoutAliases(StoreJobs):
    async def create(
        self, name: str, recipe: Recipe, actor: str, aliases: Sequence[str]
    ) -> tuple[JobVersion, bool]:
        return await super().create(name, recipe, actor, [])


class MissingJobIsLatest(StoreJobs):
    async def get(self, reference: str) -> JobVersion:
        try:
            return await super().get(reference)
        except NotFound:
            return await super().get(reference.partition(":")[0])


class ListsLatestOnly(StoreJobs):
    async def list(self, name: str | None) -> Sequence[JobVersion]:
        jobs = await super().list(name)
        return jobs[:1] if name else jobs


class ListsAllVersions(StoreJobs):
    async def list(self, name: str | None) -> Sequence[JobVersion]:
        if name:
            return await super().list(name)
        names = {job.name for job in await super().list(None)}
        return [job for one in names for job in await super(ListsAllVersions, self).list(one)]


class HalfAnArchiveIsKnown(StoreJobs):
    async def put_archive(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        await execute(self.database, "insert or ignore into archive (digest, created_at)"
                      " values (:digest, :now)", digest=digest)  # fmt: skip
        await super().put_archive(digest, chunks)


class ArchiveIsStoredOnce(StoreJobs):
    async def put_archive(self, digest: str, chunks: AsyncIterator[bytes]) -> None:
        if await self.has_archive(digest):
            raise Conflict("it is there already")
        await super().put_archive(digest, chunks)


class AnyArchiveIsKnown(StoreJobs):
    async def has_archive(self, digest: str) -> bool:
        return bool(await execute(self.database, "select 1 from archive"))


class NoArchiveIsKnown(StoreJobs):
    async def has_archive(self, digest: str) -> bool:
        return False
