"""RemoteBlocks: ranges of a remote file, fetched in blocks, checked, cached and read ahead."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, final

from sparsetime.errors import DamagedError, StoreError
from sparsetime.files.block_cache import BlockCache
from sparsetime.files.folder import Folder

# A request costs a round trip, so neighbouring blocks are fetched by one: up to 8 MiB, that a part
# of the requests that run at once is soon there.
_BLOCKS_A_REQUEST = 8
_REQUESTS_AT_ONCE = 16
_pool = ThreadPoolExecutor(4, "sparsetime-fetch")


@final
class RemoteBlocks:
    """The bytes of a remote file, of which a record of checksums says what was written.

    record: what `block_record` returned. identity: a text that no other file has, such as the
    SHA-256 of its bytes, so that one cache serves all stores. cache: None keeps only what is
    being fetched.

    Errors: DamagedError where a block is not what was written; StoreError where it cannot be read.
    """

    def __init__(
        self,
        folder: Folder,
        name: str,
        record: Mapping[str, Any],
        identity: str,
        cache: BlockCache | None,
    ) -> None:
        self._folder, self._name, self._cache = folder, name, cache
        self.size = int(record["bytes"])
        self._block, self._sums = int(record["block"]), list(record["crc32"])
        key = hashlib.sha256(identity.encode()).hexdigest()[:32]
        self._key = f"{key[:2]}/{key}"
        self._coming: dict[int, Future[None]] = {}
        self._lock = threading.Lock()

    def prefetch(self, spans: Iterable[tuple[int, int]]) -> None:
        """Begin to fetch into the cache the blocks of some spans of bytes (start, stop)."""
        if self._cache is None:
            return
        with self._lock:
            wanted = [n for n in self._numbers(spans) if n not in self._coming]
            runs = _runs([n for n in wanted if not self._is_cached(n)])
            for first in range(0, len(runs), _REQUESTS_AT_ONCE):
                some = runs[first : first + _REQUESTS_AT_ONCE]
                # The blocks stay on disk alone: those of a whole pool would fill the memory.
                future = _pool.submit(self._fetch_ahead, some)
                self._coming.update((n, future) for run in some for n in run)

    def read_into(self, out: memoryview, start: int) -> None:
        """Fill `out` with the bytes from `start` on."""
        stop = start + len(out)
        numbers = self._numbers([(start, stop)])
        self._wait_for(numbers)
        missing = []
        for number in numbers:
            begin, end = self._within(number, start, stop)
            data = self._cached(number, begin, end)
            if data is None:
                missing.append(number)
            else:
                self._put(out, number * self._block + begin - start, data)
        for number, block in self._fetch(_runs(missing)).items() if missing else ():
            begin, end = self._within(number, start, stop)
            self._put(out, number * self._block + begin - start, memoryview(block)[begin:end])

    def read(self, start: int, stop: int) -> bytes:
        """The bytes `start` to `stop` (exclusive)."""
        out = bytearray(stop - start)
        self.read_into(memoryview(out), start)
        return bytes(out)

    def _within(self, number: int, start: int, stop: int) -> tuple[int, int]:
        """The bytes of a block, from its own first one, that lie within a span of the file."""
        first = number * self._block
        return max(start - first, 0), min(stop, self._end(number)) - first

    @staticmethod
    def _put(out: memoryview, at: int, data: bytes | memoryview) -> None:
        out[at : at + len(data)] = data

    def _wait_for(self, numbers: Sequence[int]) -> None:
        with self._lock:
            coming = {self._coming[n] for n in numbers if n in self._coming}
        for future in coming:
            future.exception()  # what was not fetched ahead is fetched by the read, which raises

    def _fetch_ahead(self, runs: Sequence[Sequence[int]]) -> None:
        try:
            self._fetch(runs)
        finally:
            with self._lock:
                for number in (n for run in runs for n in run):
                    del self._coming[number]

    def _fetch(self, runs: Sequence[Sequence[int]]) -> dict[int, bytes]:
        """The blocks of runs of neighbours, one request each, checked and put into the cache."""
        spans = [(run[0] * self._block, self._end(run[-1])) for run in runs]
        blocks: dict[int, bytes] = {}
        for run, (start, stop), data in zip(
            runs, spans, self._folder.read_spans(self._name, spans), strict=True
        ):
            if len(data) == self.size > stop - start:
                data = data[start:stop]  # a server without ranges gives the whole file
            for number in run:
                at = number * self._block - start
                block = data[at : at + self._end(number) - number * self._block]
                self._check(number, block)
                blocks[number] = block
                if self._cache is not None:
                    self._cache.write(f"{self._key}-{number}", self._sums[number], block)
        return blocks

    def _check(self, number: int, block: bytes) -> None:
        where = f"{self._folder.url}/{self._name}"
        expected = self._end(number) - number * self._block
        if len(block) != expected:
            raise StoreError(
                f"got {len(block):,} bytes of {where} from byte {number * self._block:,} on, "
                f"expected {expected:,}: the file is truncated, or its server gives no ranges. "
                "Copy the store to a local folder"
            )
        if f"{zlib.crc32(block):08x}" != self._sums[number]:
            raise DamagedError(
                f"{where} is damaged: its bytes from {number * self._block:,} on are not those "
                "that were written (the checksum differs). Copy the store again"
            )

    def _cached(self, number: int, start: int, stop: int) -> bytes | None:
        if self._cache is None:
            return None
        return self._cache.read(f"{self._key}-{number}", self._sums[number], start, stop)

    def _is_cached(self, number: int) -> bool:
        return self._cache is not None and self._cache.has(
            f"{self._key}-{number}", self._sums[number]
        )

    def _numbers(self, spans: Iterable[tuple[int, int]]) -> list[int]:
        """The blocks that hold the bytes of spans, ascending."""
        return sorted(
            {
                number
                for start, stop in spans
                for number in range(start // self._block, -(-stop // self._block))
            }
        )

    def _end(self, number: int) -> int:
        return min(self.size, (number + 1) * self._block)


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Runs of neighbours, each of at most `_BLOCKS_A_REQUEST`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1 and len(runs[-1]) < _BLOCKS_A_REQUEST:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
