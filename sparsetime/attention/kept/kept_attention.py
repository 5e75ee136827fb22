"""Kept attention of one sequence, opened from its folder; heads are read when asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Bool, Float, Int

from sparsetime.errors import DamagedError, StoreError, unknown_name
from sparsetime.files import Folder
from sparsetime.files.folder_url import folder_url

if TYPE_CHECKING:
    from sparsetime.attention.kept.runs import Runs

SCHEMA_VERSION = 1
JSON_NAME, STEPS = "attention.json", "steps.safetensors"
_AGAIN = "Restore it from a copy, or keep the attention again with sparsetime attend --keep"


def head_name(number: int) -> str:
    """The file of a head."""
    return f"head-{number}.safetensors"


@final
@dataclass(frozen=True, eq=False)
class KeptHead:
    """One head of kept attention.

    keys: the most read keys of every query, the strongest first, -1 where there are fewer; weights:
    theirs in dense attention. runs: what each policy reads, as rectangles of first query, query
    after the last, first key, key after the last. read: whether each policy reads the pairs.
    """

    keys: Int[np.ndarray, "time k"]
    weights: Float[np.ndarray, "time k"]
    runs: list[Runs]
    read: list[Bool[np.ndarray, "time k"]]


@final
@dataclass(frozen=True, eq=False)
class KeptAttention:
    """Attention of one sequence as `keep_attention` wrote it.

    about: model, tokens, texts, policies and heads. distance, entropy, received: values of every
    head and step, as `HeadPairs` defines them.
    """

    folder: Folder
    about: Mapping[str, Any]
    distance: Float[np.ndarray, "heads time"]
    entropy: Float[np.ndarray, "heads time"]
    received: Float[np.ndarray, "heads time"]

    @property
    def length(self) -> int:
        """Number of steps."""
        return int(self.distance.shape[1])

    def head(self, number: int) -> KeptHead:
        """One head, read from its file.

        Errors: UnknownNameError for a head that there is none; DamagedError for a damaged file.
        """
        if not 0 <= number < len(self.about["heads"]):
            known = [str(n) for n in range(len(self.about["heads"]))]
            raise unknown_name("head of the kept attention", str(number), known)
        sha256 = self.about["heads"][number]["sha256"]
        name = head_name(number)
        tensors = self.folder.read_tensors(name, SCHEMA_VERSION, _AGAIN, sha256)
        try:
            places = range(len(self.about["policies"]))
            return KeptHead(
                tensors["keys"].numpy(),
                tensors["weights"].float().numpy(),
                [tensors[f"runs.{place}"].numpy().astype(np.int64) for place in places],
                [tensors[f"read.{place}"].numpy() for place in places],
            )
        except KeyError as error:
            raise DamagedError(
                f"{self.folder.url}/{name} lacks {error}, which {JSON_NAME} names. {_AGAIN}"
            ) from error


def open_attention(path: str | os.PathLike[str]) -> KeptAttention:
    """Open attention that `keep_attention` wrote, from a folder or URL.

    Errors: StoreError where there is none, or it is from a newer sparsetime; DamagedError where a
    file is not the bytes that were written.
    """
    folder = Folder(folder_url(path, "path"))
    if not folder.exists(JSON_NAME):
        raise StoreError(
            f"{folder.url} holds no {JSON_NAME}, so it is no kept attention; give the folder that "
            f"keep_attention wrote. It holds: {', '.join(folder.names()) or 'nothing'}"
        )
    about: dict[str, Any] = folder.read_json(JSON_NAME, SCHEMA_VERSION, _AGAIN)
    try:
        values = folder.read_tensors(STEPS, SCHEMA_VERSION, _AGAIN, about["steps"])
        steps = [values[name].numpy() for name in ("distance", "entropy", "received")]
        shape = (len(about["heads"]), len(about["texts"]))
    except (KeyError, TypeError) as error:
        raise DamagedError(
            f"{folder.url}/{JSON_NAME} does not describe kept attention ({error!r}). {_AGAIN}"
        ) from error
    if any(one.shape != shape for one in steps):
        raise DamagedError(
            f"got {STEPS} of {steps[0].shape} heads and steps in {folder.url}, expected {shape} by "
            f"its {JSON_NAME}. {_AGAIN}"
        )
    return KeptAttention(folder, about, *steps)
