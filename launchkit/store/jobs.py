"""Jobs: named recipes in versions, and packed code by content."""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence, Set
from typing import NamedTuple

from launchkit.codec import encode_json, suggest
from launchkit.errors import ConfigError, NotFound, QueueError
from launchkit.model import JobVersion, Recipe
from launchkit.resolving.inputs import check_recipe
from launchkit.resolving.queue_checks import check_length, check_name
from launchkit.shell_words import shell_word
from launchkit.store.database import Row, Tx
from launchkit.store.rows import job_of, size_of

LATEST = "latest"
PAGE = 200
"""Jobs, or versions of one, on a page."""
MOST_CHARACTERS = 8 * 2**20
"""Of the recipes and aliases of a page: one alone may be larger."""
MOST_ALIASES = 100
"""Of a version: they are told with it."""
AT_ONCE = 8
"""Versions that are read before it is known how large they are."""
_ALL = 2**31 - 1
"""No version is as high."""
VERSION = re.compile(r"v[0-9]{1,9}")
"""As long as a database's numbers: no job has more versions."""


class Create(NamedTuple):
    """Add a version to a job, unless one of its versions has the same recipe."""

    entity: str
    name: str
    recipe: Recipe
    actor: str
    aliases: Sequence[str]

    async def __call__(self, tx: Tx) -> tuple[JobVersion, bool]:
        check_name("job", self.name)
        aliases = {LATEST, *self.aliases}
        self._require_few(aliases)
        for alias in self.aliases:
            _check_alias(alias)
        check_recipe(self.recipe)
        of = {"entity": self.entity, "name": self.name}
        await tx.all("turn", what="job", of=f"{self.entity}/{self.name}")
        recipe = encode_json(self.recipe)
        digest = hashlib.sha256(recipe.encode()).hexdigest()
        row = await tx.one("job_of_digest", digest=digest, **of)
        new = row is None
        if row is None:
            before = await tx.all("job_versions", below=_ALL, limit=1, **of)
            row = await tx.row(
                "add_job_version",
                version=before[0]["version"] + 1 if before else 0,
                recipe=recipe,
                digest=digest,
                author=self.actor,
                **of,
            )
        self._require_few(aliases | {*await _aliases(tx, row)})
        for alias in aliases:
            await tx.all("set_alias", alias=alias, version=row["version"], **of)
        return job_of(row, await _aliases(tx, row)), new

    def _require_few(self, aliases: Set[str]) -> None:
        if len(aliases) > MOST_ALIASES:
            raise ConfigError(
                f"a version of job {self.name!r} would have more than {MOST_ALIASES} aliases",
                hint="give some of them to another version: an alias moves to the one that is made"
                " with it",
            )


class Get(NamedTuple):
    """One version, by `name`, `name:alias` or `name:vN`."""

    entity: str
    reference: str

    async def __call__(self, tx: Tx) -> JobVersion:
        check_length("job", self.reference)
        name, _, tag = self.reference.partition(":")
        tag = tag or LATEST
        of = {"entity": self.entity, "name": name}
        if VERSION.fullmatch(tag):
            row = await tx.one("job_of_version", version=int(tag[1:]), **of)
        else:
            alias = await tx.one("version_of_alias", alias=tag, **of)
            row = await tx.one("job_of_version", version=alias["version"], **of) if alias else None
        if row is None:
            raise await self._not_found(tx, name, tag)
        return job_of(row, await _aliases(tx, row))

    async def _not_found(self, tx: Tx, name: str, tag: str) -> NotFound:
        names = [row["name"] for row in await tx.all("job_names", entity=self.entity)]
        if name in names:
            return NotFound(
                f"job {name!r} has no version or alias {tag!r}",
                hint=f"see: launchkit job list {shell_word(name)}",
            )
        near = suggest(name, names)
        hint = f"did you mean {near!r}?" if near else "see: launchkit job list"
        return NotFound(f"there is no job {name!r} of {self.entity}", hint=hint)


class List(NamedTuple):
    """A page of the versions of one job, newest first, or of the latest of each, by name: as many
    as it holds, and one at least.

    :raises ConfigError: if it is to begin behind what is no version.
    """

    entity: str
    name: str | None
    after: str | None = None
    """Behind which version, `vN`, or which job it begins."""
    limit: int | None = None
    """How many at most; None is a page."""

    async def __call__(self, tx: Tx) -> list[JobVersion]:
        check_length("job", self.name)
        found: list[JobVersion] = []
        room = MOST_CHARACTERS
        async for row in self._rows(tx):
            aliases = await _aliases(tx, row)
            room -= size_of(row) + sum(map(len, aliases))
            if room < 0 and found:
                break
            found.append(job_of(row, aliases))
        if not found and self.name is not None and self.after is None:
            await Get(self.entity, self.name)(tx)
        return found

    async def _rows(self, tx: Tx) -> AsyncIterator[Row]:
        left, after, below = (
            PAGE if self.limit is None else self.limit,
            self.after or "",
            self._below(),
        )
        rows: Sequence[Row] = ()
        while left > 0 and (rows := await self._some(tx, after, below, min(left, AT_ONCE))):
            for row in rows:
                yield row
            left, after, below = left - len(rows), rows[-1]["name"], rows[-1]["version"]

    async def _some(self, tx: Tx, after: str, below: int, limit: int) -> Sequence[Row]:
        of = {"entity": self.entity, "limit": limit}
        if self.name is None:
            return await tx.all("latest_jobs", after=after, **of)
        return await tx.all("job_versions", name=self.name, below=below, **of)

    def _below(self) -> int:
        if self.after is None or self.name is None:
            return _ALL
        if not VERSION.fullmatch(self.after):
            raise ConfigError(f"after: {self.after[:60]!r} is no version, such as v3")
        return min(int(self.after[1:]), _ALL)


class HasArchive(NamedTuple):
    """Whether packed code is stored whole."""

    digest: str

    async def __call__(self, tx: Tx) -> bool:
        return await tx.one("archive_known", digest=self.digest) is not None


class PutChunk(NamedTuple):
    """Store one piece of packed code."""

    digest: str
    number: int
    data: bytes

    async def __call__(self, tx: Tx) -> None:
        await tx.all("add_archive_chunk", digest=self.digest, number=self.number, data=self.data)


class SealArchive(NamedTuple):
    """Say that all pieces are stored: only now is the code known."""

    digest: str

    async def __call__(self, tx: Tx) -> None:
        await tx.all("add_archive", digest=self.digest, upload=None)


class GetChunk(NamedTuple):
    """One piece of packed code; None after the last."""

    digest: str
    number: int

    async def __call__(self, tx: Tx) -> bytes | None:
        row = await tx.one("archive_chunk", digest=self.digest, number=self.number)
        if row is None and self.number == 0:
            raise NotFound(f"there is no code with the digest {self.digest} in the queue's store")
        if row is not None and row["place"]:
            raise QueueError(
                f"the code {self.digest} is kept by the queue service, beside its database",
                hint="reach the queue through its service: --backend http://…",
            )
        return bytes(row["data"]) if row else None


async def _aliases(tx: Tx, row: Row) -> tuple[str, ...]:
    """Those of a version; it may have got more before there were bounds."""
    version = {key: row[key] for key in ("entity", "name", "version")}
    rows = await tx.all("aliases_of", limit=MOST_ALIASES, **version)
    return tuple(one["alias"] for one in rows)


def _check_alias(alias: str) -> None:
    check_name("alias", alias)
    if re.fullmatch(r"v\d+", alias):
        raise ConfigError(f"alias {alias!r} looks like a version number")
