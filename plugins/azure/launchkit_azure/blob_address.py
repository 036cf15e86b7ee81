"""The addresses of files in Blob Storage. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from launchkit.errors import Rejected
from launchkit.plain_text import shortened
from launchkit.shell_words import shell_word
from launchkit_azure.clouds import CLOUDS

FORM = "an address is such as https://ACCOUNT.blob.core.windows.net/CONTAINER/folder/name"
SUFFIXES = tuple(cloud.blob_suffix for cloud in CLOUDS.values())
LONGEST_NAME = 1024
_HOST = re.compile(rf"(?P<account>[^./]+)\.(?P<suffix>{'|'.join(map(re.escape, SUFFIXES))})")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class BlobAddress:
    """A place in a container of a storage account."""

    account: str
    suffix: str
    container: str
    name: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Take an address apart. :raises Rejected: if it is none of Blob Storage."""
        shown = shortened(uri.partition("?")[0], 200)
        scheme, _, rest = uri.partition("://")
        host, _, path = rest.partition("/")
        container, _, name = path.partition("/")
        found = _HOST.fullmatch(host)
        if scheme != "https" or found is None:
            raise Rejected(
                f"{shown}: the environment 'azure' stores in Blob Storage only", hint=FORM
            )
        if fault := _fault(found["account"], container, name):
            raise Rejected(f"{shown}: {fault}", hint=FORM)
        return cls(found["account"], found["suffix"], container, name)

    @property
    def uri(self) -> str:
        """As it is written."""
        return f"https://{self.account}.{self.suffix}/{self.container}/{self.name}"

    def __str__(self) -> str:
        return self.uri

    @property
    def folder(self) -> str:
        """What it is in."""
        return self.uri.rpartition("/")[0]

    @property
    def target(self) -> Mapping[str, str]:
        """As the library has it."""
        return {"container": self.container, "blob": self.name}

    @property
    def scope(self) -> str:
        """What a role is given for, in the words of a shell: the account, since one for a container
        alone gives no key to sign with.
        """
        command = f"az storage account show --name {shell_word(self.account)}"
        return f'"$({command} --query id --output tsv)"'


def _fault(account: str, container: str, name: str) -> str | None:
    shown, inside = shortened(account, 64), shortened(container, 64)
    faults = {
        "a signature is no part of an address: set AZURE_STORAGE_SAS_TOKEN": "?"
        in f"{container}{name}",
        f"{shown!r} cannot be a storage account: 3 to 24 small letters and digits": (
            not _ACCOUNT.fullmatch(account)
        ),
        "it names no container": not container,
        f"{inside!r} cannot be a container: 3 to 63 small letters, digits and dashes": (
            not _CONTAINER.fullmatch(container)
        ),
        "it names no file": not name,
        f"the name has more than {LONGEST_NAME} characters": len(name) > LONGEST_NAME,
    }
    return next((fault for fault, there in faults.items() if there), None)
