"""Parts of a capture: which documents one of several processes captures, and where to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sparsetime.activations.capture.document import Document
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.joined_manifest import PARTS, parts_in
from sparsetime.activations.store.manifest import MANIFEST
from sparsetime.errors import ConfigError, DataError, StoreError
from sparsetime.files import Folder


class CapturePart(NamedTuple):
    """Every `total`-th document of the data, from document `number` on."""

    number: int
    total: int

    @staticmethod
    def of(part: Sequence[int]) -> CapturePart:
        """Errors: ConfigError for what is no part."""
        values = tuple(part)
        if len(values) != 2 or not all(isinstance(n, int) for n in values):
            raise ConfigError(
                f"got part={part!r}, expected two whole numbers: this part, and how many there are"
            )
        if not 0 <= values[0] < values[1]:
            raise ConfigError(
                f"got part={values}, expected a part from 0 to one less than the number of parts"
            )
        return CapturePart(*values)

    @staticmethod
    def of_environment(environment: Mapping[str, str]) -> CapturePart | None:
        """The part of a process of torchrun, from RANK and WORLD_SIZE; None for one alone."""
        rank, count = environment.get("RANK"), environment.get("WORLD_SIZE", "1")
        if rank is None or int(count) < 2:
            return None
        return CapturePart.of((int(rank), int(count)))

    def of_documents(self, documents: list[Document]) -> list[Document]:
        """The documents of this part. Errors: DataError where there are none."""
        own = documents[self.number :: self.total]
        if not own:
            raise DataError(
                f"got {len(documents)} documents for {self.total} parts, so part {self.number} has "
                "none; use fewer parts"
            )
        return own

    def folder(self, out: str | os.PathLike[str]) -> str:
        """The folder of this part, in that of the whole."""
        return f"{os.fspath(out).rstrip('/')}/{PARTS}/{self.number}"


def check_part(out: Folder, exclusion: StepExclusion) -> None:
    """Check that parts of a capture can be written within `out`.

    Errors: StoreError where `out` is a store of its own; ConfigError where every part would measure
    a limit of its own.
    """
    if out.exists(MANIFEST) and parts_in(out) is None:
        raise StoreError(
            f"{out.url} holds a whole store, so it cannot also hold the parts of one; choose "
            "another folder"
        )
    if exclusion.norm_above is not None and exclusion.norm_limit is None:
        raise ConfigError(
            f"got norm_above={exclusion.norm_above} for a part of a capture without norm_limit, "
            "and each part would measure another median; give norm_limit, such as the one in the "
            "manifest of a short capture of the first documents"
        )
