"""Manifest of an activation store: its content, its model, and a checksum per file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.errors import DamagedError, StoreError
from sparsetime.files import Folder

SCHEMA_VERSION = 3  # the newest that is read
PLAIN = 1  # of a store that holds every step, which sparsetime 0.1.0 reads
LEAVES_OUT = 2  # of a store that holds not every step
TIMED_ROWS = 3  # of a store whose rows have times of their own (`row_start`)
_AGAIN = "Copy the store again, or capture it again with force=True"
MANIFEST = "manifest.json"
SEQUENCES = "sequences.parquet"
PART = "part"  # key of `capture`: number of this part of a capture, and how many parts there are
DOCUMENT = "document"  # column of the sequences of a part: number of the document in all the data
KEEP_INPUT = "keep_input"  # key of `capture`: whether the inputs are kept
ROWS = "rows"  # key of `capture`: the rate of a site whose rows are not the steps of the input
OWN_TIMES = "own_times"  # key of `capture`: whether rows have times of their own
EXCLUSION = "exclusion"  # key of `capture`: the steps that the capture leaves out
SHARDS = "shards"
TENSOR = "activations"
DTYPES = ("float32", "float16", "bfloat16")

# The files of a shard: the activations, the columns of every step, the sequences that begin in it,
# and checksums. From the last, an unfinished store is read without the final table.
ACTIVATIONS_FILE = "safetensors"
STEPS_FILE = "parquet"
BEGUN_FILE = "sequences.parquet"
INPUTS_FILE = "inputs.safetensors"  # inputs of the sequences that begin, where they are kept
BLOCKS_FILE = "blocks.json"  # checksums of blocks of the activations, for reads of ranges
STORED = "stored"  # step column: whether the step's activation is stored; absent where all are


@dataclass(frozen=True)
class FileRecord:
    """Size and sha256 of a file as it was written."""

    bytes: int
    sha256: str


def file_record(data: bytes) -> FileRecord:
    """The size and checksum of `data`."""
    return FileRecord(len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class ShardRecord:
    """One finished shard. `begun` sequences begin in it, with `planned_rows` rows in all."""

    name: str
    rows: int
    begun: int
    planned_rows: int
    files: dict[str, FileRecord]

    def path(self, kind: str) -> str:
        """The path of a file of the shard, relative to the store."""
        return f"{SHARDS}/{self.name}.{kind}"


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`. `capture` holds the settings that determine its bytes.

    rows: steps of all sequences. left_out: how many of them have no stored activation. norm_limit:
    the longest norm that was stored, as it was measured on the first shard.
    """

    model_name: str
    model_hash: str
    site: str
    d: int
    dtype: str
    unit: str
    capture: dict[str, Any]
    complete: bool = False
    rows: int = 0
    sequences: int = 0
    sequence_table: FileRecord | None = None
    shards: tuple[ShardRecord, ...] = ()
    left_out: int = 0
    norm_limit: float | None = None
    schema_version: int = field(default=PLAIN)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that must agree for a capture to resume in the same folder."""
        names = ("model_name", "model_hash", "site", "d", "dtype", "unit")
        return {name: getattr(self, name) for name in names} | {
            f"capture.{name}": value for name, value in self.capture.items()
        }

    @property
    def own_times(self) -> bool:
        """Whether the rows have times of their own, in the step columns `row_start` and others."""
        return bool(self.capture.get(OWN_TIMES, False))

    @property
    def planned_rows(self) -> int:
        """Rows of all sequences that have begun; more than `rows` while one is incomplete."""
        return sum(shard.planned_rows for shard in self.shards)

    @property
    def checksums(self) -> str:
        """The checksums of all activations, in order."""
        return " ".join(shard.files[ACTIVATIONS_FILE].sha256 for shard in self.shards)

    @property
    def exclusion(self) -> StepExclusion:
        """The steps that the capture left out, with the limit of the norm where it is known."""
        exclusion = StepExclusion.of_config(self.capture.get(EXCLUSION))
        if exclusion.norm_above is None or exclusion.norm_limit is not None:
            return exclusion
        return replace(exclusion, norm_limit=self.norm_limit)

    def with_shard(self, shard: ShardRecord) -> Manifest:
        """The manifest after one more shard."""
        return replace(
            self,
            rows=self.rows + shard.rows,
            sequences=self.sequences + shard.begun,
            shards=(*self.shards, shard),
        )

    def save(self, folder: Folder) -> None:
        value = asdict(self)
        first = {"schema_version": value.pop("schema_version")}
        folder.write_json(MANIFEST, first | value, self.schema_version)


def version_of(capture: Mapping[str, Any]) -> int:
    """The lowest schema version that says what a store of these settings holds."""
    return TIMED_ROWS if OWN_TIMES in capture else LEAVES_OUT if EXCLUSION in capture else PLAIN


def load_manifest(folder: Folder) -> Manifest:
    """Read a store's manifest.

    Errors: StoreError where there is none or where a newer sparsetime wrote it; DamagedError where
    it cannot be read as a manifest.
    """
    if not folder.exists(MANIFEST):
        state = "it does not exist" if not folder.exists() else f"it has no {MANIFEST}"
        raise StoreError(
            f"{folder.url} is not an activation store: {state}. "
            "A store is a folder written by sparsetime.capture"
        )
    value = folder.read_json(MANIFEST, again=_AGAIN)
    version = value.get("schema_version") if isinstance(value, dict) else None
    if not isinstance(version, int):
        raise StoreError(
            f"{folder.url}/{MANIFEST} is not the manifest of an activation store: "
            "it has no schema_version"
        )
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{folder.url} was written by a newer sparsetime: its schema version is {version}, "
            f"this one reads up to {SCHEMA_VERSION}. Update sparsetime to read it"
        )
    if "parts" in value:
        raise StoreError(
            f"{folder.url} joins {len(value['parts'])} stores and holds no activations itself; "
            "capture into the folders of its parts, or into another folder"
        )
    try:
        shards = tuple(_shard(shard) for shard in value.pop("shards"))
        table = value.pop("sequence_table")
        names = {f.name for f in fields(Manifest)}
        return Manifest(
            **{name: item for name, item in value.items() if name in names},
            sequence_table=FileRecord(**table) if table else None,
            shards=shards,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedError(
            f"{folder.url}/{MANIFEST} is damaged: it is JSON but not a whole manifest ({error})"
        ) from error


def check_presence(folder: Folder, manifest: Manifest) -> None:
    """Check that every file of every finished shard exists with its recorded size.

    A remote folder is listed once; where it cannot be, files are checked when they are read.

    Errors: DamagedError naming the first that does not.
    """
    if not folder.is_local:
        sizes = folder.sizes()
        if sizes is None or all(
            sizes.get(shard.path(kind)) == record.bytes
            for shard in manifest.shards
            for kind, record in shard.files.items()
        ):
            return
    for shard in manifest.shards:
        for kind, record in shard.files.items():
            check_size(folder, shard.path(kind), record)
    if manifest.sequence_table is not None:
        check_size(folder, SEQUENCES, manifest.sequence_table)


def check_size(folder: Folder, name: str, record: FileRecord) -> None:
    """Errors: DamagedError where the file is missing or not as long as recorded."""
    try:
        size = folder.size(name)
    except FileNotFoundError:
        raise DamagedError(
            f"{folder.url}/{name} is missing, but the manifest lists it. "
            "Copy the store again, or capture it again with force=True"
        ) from None
    if size != record.bytes:
        state = "truncated" if size < record.bytes else "longer than it was written"
        raise DamagedError(
            f"{folder.url}/{name} is {state}: {size:,} bytes are there, {record.bytes:,} were "
            "written. Copy the store again, or capture it again with force=True"
        )


def _shard(value: dict[str, Any]) -> ShardRecord:
    files = {kind: FileRecord(**record) for kind, record in value.pop("files").items()}
    return ShardRecord(**value, files=files)
