"""Whether packed code is what its digest says, told while it goes by."""

import hashlib
import zlib

from launchkit.code.survey import DEFAULT_LIMITS, PackLimits
from launchkit.code.threads import go_on
from launchkit.code.unpack import HEADER_BYTES, DamagedArchive

STEP = 2**20
"""Bytes that are unpacked at once."""


class Verifier:
    """Takes the compressed bytes of an archive, piece by piece."""

    def __init__(self, digest: str, limits: PackLimits = DEFAULT_LIMITS) -> None:
        self._digest = digest
        self._most = limits.total_bytes + limits.files * HEADER_BYTES
        self._sha = hashlib.sha256()
        self._size = 0
        self._unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def add(self, data: bytes) -> None:
        """Look at the next bytes, as long as it is wanted.

        :raises DamagedArchive: if they are not packed code, or too much of it.
        """
        while data:
            go_on()
            try:
                plain = self._unpack.decompress(data, STEP)
            except zlib.error as exc:
                raise DamagedArchive(f"{self._digest}: is no packed code: {exc}") from exc
            data = self._unpack.unconsumed_tail
            self._sha.update(plain)
            self._size += len(plain)
            if self._size > self._most:
                raise DamagedArchive(f"{self._digest}: unpacks to more than {self._most} bytes")
            if self._unpack.unused_data:
                raise DamagedArchive(f"{self._digest}: has more behind its end")

    def finish(self) -> None:
        """:raises DamagedArchive: if what came is not all, or something else."""
        self._sha.update(self._unpack.flush())
        if not self._unpack.eof:
            raise DamagedArchive(f"{self._digest}: ends in the middle")
        if self._sha.hexdigest() != self._digest:
            raise DamagedArchive(f"{self._digest}: its digest is {self._sha.hexdigest()}")
