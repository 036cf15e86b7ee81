"""The names of repositories in ECR, in all forms in which people write them. Pure."""

import re
from dataclasses import dataclass
from typing import Self

from launchkit.plain_text import shortened
from launchkit_aws.regions import NAMES, REGION, SUFFIXES, check_region, partition_of

ACCOUNT = re.compile(r"[0-9]{12}")
_SUFFIX = "|".join(re.escape(suffix) for suffix in SUFFIXES)
_DUAL = r"on\.(?:aws|amazonwebservices\.com\.cn)"
HOST = (
    rf"[0-9]{{12}}\.(?:(?:dkr\.)?ecr(?:-fips)?\.{REGION.pattern}\.(?:{_SUFFIX})"
    rf"|dkr-ecr(?:-fips)?\.{REGION.pattern}\.{_DUAL})"
)
"""The hosts of all accounts, and the form that W&B's pages show, which lacks a part."""
ARN_START = r"arn:aws[a-z-]*:ecr:[^:/]*:[^:/]*:repository"
LONGEST_NAME = 256

_HOST = re.compile(
    rf"(?P<account>[0-9]{{12}})\.(?P<start>dkr\.ecr|ecr|dkr-ecr)(?P<fips>-fips)?"
    rf"\.(?P<region>{REGION.pattern})\.(?P<end>[a-z0-9.-]+)"
)
_ARN = re.compile(
    rf"arn:(?P<partition>{'|'.join(NAMES)}):ecr:(?P<region>{REGION.pattern})"
    r":(?P<account>[0-9]{12}):repository/(?P<name>.+)",
    re.DOTALL,
)
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
FORM = "ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY"


@dataclass(frozen=True, kw_only=True)
class EcrRepository:
    """A repository in ECR."""

    account: str
    region: str
    name: str
    host: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a URI, with or without a scheme, or an ARN apart.

        :raises ValueError: with what is missing.
        """
        if text.startswith("arn:"):
            return cls._of_arn(text)
        host, _, name = text.removeprefix("https://").rstrip("/").partition("/")
        return cls(**_host_parts(host), name=_checked_name(name))

    @classmethod
    def of_parts(cls, account: str, region: str, name: str, host: str | None = None) -> Self:
        """The one that account, region and name make. :raises ValueError: if they make none."""
        if not ACCOUNT.fullmatch(account):
            raise ValueError(
                f"account_id: {shortened(repr(account), 40)} is not the 12 digits of an account"
            )
        try:
            check_region(region)
        except ValueError as exc:
            raise ValueError(f"region: {exc}") from None
        usual = f"{account}.dkr.ecr.{region}.{partition_of(region).suffix}"
        return cls(account=account, region=region, name=_checked_name(name), host=host or usual)

    @classmethod
    def _of_arn(cls, text: str) -> Self:
        if arn := _ARN.fullmatch(text):
            return cls.of_parts(arn["account"], arn["region"], arn["name"])
        raise ValueError("must be an ARN such as arn:aws:ecr:REGION:ACCOUNT:repository/NAME")

    @property
    def uri(self) -> str:
        """As the names of its images begin."""
        return f"{self.host}/{self.name}"

    @property
    def arn(self) -> str:
        """What policies name."""
        partition = partition_of(self.region).name
        return f"arn:{partition}:ecr:{self.region}:{self.account}:repository/{self.name}"


def _host_parts(text: str) -> dict[str, str]:
    """What a host says; the form without `dkr` is put right."""
    found = _HOST.fullmatch(text)
    if found is None or not re.fullmatch(HOST, text):
        raise ValueError(f"must be {FORM}, or the repository's ARN")
    account, region = found["account"], found["region"]
    host = text if found["start"] != "ecr" else text.replace(".ecr", ".dkr.ecr", 1)
    if "amazonaws" in text and not text.endswith(f".{partition_of(region).suffix}"):
        raise ValueError(f"hosts of {region} end with {partition_of(region).suffix}")
    return {"account": account, "region": region, "host": host}


def _checked_name(name: str) -> str:
    if not name:
        raise ValueError(f"names no repository: must be {FORM}")
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise ValueError(
            f"{shortened(repr(name), 80)} cannot be a repository: small letters, digits and . _ - /"
            " between them"
        )
    return name
