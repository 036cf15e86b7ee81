"""Files in S3: one request for a small one, several parts at once for a large one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import anyio

from launchkit.aio.upload import OpenFile, open_file, whole
from launchkit.errors import LaunchError, Rejected, unwrapped
from launchkit.plain_text import shortened
from launchkit.shell_words import shell_command
from launchkit_aws.errors import AwsRefused, explained

PART = 8 << 20
LEAST_PARTS = 9_000
"""Of a file that is so large that its parts are; S3 takes 10,000."""
AT_ONCE = 4
ABORT_SECONDS = 10.0
LONGEST_KEY = 1024
REGION_HEADER = "x-amz-bucket-region"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
FORM = "an address is such as s3://bucket/folder/name"


@dataclass(frozen=True)
class S3Address:
    """A place in a bucket."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Take an address apart. :raises Rejected: if it is none of S3."""
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        shown = shortened(uri, 200)
        if scheme != "s3":
            raise Rejected(f"{shown}: the environment 'aws' stores under s3:// only", hint=FORM)
        if not _BUCKET.fullmatch(bucket):
            raise Rejected(
                f"{shown}: {shortened(bucket, 64)!r} cannot be the name of a bucket", hint=FORM
            )
        if not key or len(key.encode()) > LONGEST_KEY:
            why = f"its key has more than {LONGEST_KEY} bytes" if key else "it names no file"
            raise Rejected(f"{shown}: {why}", hint=FORM)
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def target(self) -> Mapping[str, str]:
        """As requests have it."""
        return {"Bucket": self.bucket, "Key": self.key}


async def check_bucket(client: Any, bucket: str, region: str) -> None:
    """Look whether a bucket is there, and in *region*.

    :raises LaunchError: if it is not; S3 need not say so.
    """
    try:
        with explained(f"S3: bucket {bucket}"):
            answer = await client.head_bucket(Bucket=bucket)
    except AwsRefused as exc:
        if exc.not_found:
            make = shell_command("aws", "s3", "mb", f"s3://{bucket}", "--region", region)
            raise Rejected(f"S3: there is no bucket {bucket}", hint=f"make one: {make}") from exc
        if exc.status != HTTPStatus.FORBIDDEN or exc.expired:
            raise
        answer = getattr(exc.__cause__, "response", {})  # it may be written without being listed
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    theirs = answer.get("BucketRegion") or headers.get(REGION_HEADER)
    if theirs and theirs != region:
        raise Rejected(
            f"S3: bucket {bucket} is in {theirs}, and the environment in {region}",
            hint=f"name a bucket in {region}: what reads it there would not find this one",
        )


async def upload(client: Any, source: Path, address: S3Address) -> None:
    """Copy a file; S3 shows all of it or nothing.

    :raises LaunchError: if the file cannot be read, or S3 does not take it.
    """
    what = f"S3: cannot upload {source} to {address}"
    async with open_file(source) as file:
        if file.size <= PART:
            data = await file.read(0, file.size)
            with explained(what), whole():
                await client.put_object(**address.target, Body=data)
        else:
            await _upload_parts(client, file, address, what)


async def remove(client: Any, address: S3Address) -> None:
    """Remove a file; none is no error. :raises AwsError: if S3 does not do it."""
    with explained(f"S3: cannot remove {address}"):
        await client.delete_object(**address.target)


async def _upload_parts(client: Any, file: OpenFile, address: S3Address, what: str) -> None:
    with explained(what):
        upload_id = (await client.create_multipart_upload(**address.target))["UploadId"]
    parts: dict[int, Mapping[str, Any]] = {}
    length = max(PART, -(-file.size // LEAST_PARTS))
    places = iter(range(0, file.size, length))

    async def work() -> None:
        for start in places:
            number = start // length + 1
            data = await file.read(start, length)
            with explained(what):
                told = await client.upload_part(
                    **address.target, UploadId=upload_id, PartNumber=number, Body=data
                )
                parts[number] = {"PartNumber": number, "ETag": told["ETag"], **_sums(told)}

    try:
        with unwrapped():
            async with anyio.create_task_group() as tasks:
                for _ in range(AT_ONCE):
                    tasks.start_soon(work)
        made = {"Parts": [parts[number] for number in sorted(parts)]}
        with explained(what), whole():
            await client.complete_multipart_upload(
                **address.target, UploadId=upload_id, MultipartUpload=made
            )
    except BaseException:
        with anyio.move_on_after(ABORT_SECONDS, shield=True):
            await _abort(client, address, upload_id)
        raise


def _sums(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """The checksums of a part."""
    found = {key: text for key, text in told.items() if key.startswith("Checksum")}
    found.pop("ChecksumType", None)
    return found


async def _abort(client: Any, address: S3Address, upload_id: str) -> None:
    """Give the parts back; what is left of them a rule of the bucket may remove."""
    try:
        with explained("S3"):
            await client.abort_multipart_upload(**address.target, UploadId=upload_id)
    except LaunchError:
        return
