"""Checkpoints of a run: one file, or a shard a process with an index that lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor

from sparsetime.errors import DamagedError
from sparsetime.files import Folder

WHOLE, INDEX = "checkpoint.safetensors", "checkpoint.json"
VERSION, INDEX_VERSION = 1, 1
_AGAIN = "Remove it, or pass force=True (--force), to train from the beginning"
_STEP = "next_step"


@final
class Checkpoints:
    """The last checkpoint of a run: tensors by name, and the number of the next step.

    One process writes `checkpoint.safetensors`. Several write a shard each, and then one of them
    writes `checkpoint.json`, which lists the shards with their SHA-256; until then the shards of
    the checkpoint before stay. Any number of processes reads what any other number wrote.

    number, count: which part of the latents this process has, and of how many; latent `i` is in
    part `i mod count`. writes: whether it writes its shard; processes that have the same latents
    as another do not. gather: the texts of all parts from this part's; it waits for all of them.
    """

    def __init__(
        self,
        folder: Folder,
        number: int = 0,
        count: int = 1,
        writes: bool = True,
        gather: Callable[[str], list[str]] = lambda own: [own],
    ) -> None:
        self._folder, self._number, self._count = folder, number, count
        self._writes, self._gather = writes, gather

    @property
    def exist(self) -> bool:
        """Whether the folder holds a checkpoint."""
        return self._folder.exists(WHOLE) or self._folder.exists(INDEX)

    def read(self, latent_tensors: frozenset[str] = frozenset()) -> dict[str, Tensor] | None:
        """Read this process's part of the last checkpoint, with `next_step`; None without one.

        latent_tensors: names of the tensors that are divided, with one row a latent.

        Errors: DamagedError where a file is not what was written.
        """
        index = self._index()
        if self._folder.exists(WHOLE):
            whole = self._folder.read_tensors(WHOLE, VERSION, _AGAIN)
            if index is None or int(whole[_STEP]) >= index[_STEP]:
                return {
                    name: tensor[self._number :: self._count] if name in latent_tensors else tensor
                    for name, tensor in whole.items()
                }
        if index is None:
            return None
        return {**self._joined(index), _STEP: torch.tensor(index[_STEP])}

    def write(
        self, tensors: Mapping[str, Tensor], next_step: int, latent_tensors: frozenset[str]
    ) -> None:
        """Replace the last checkpoint by this state before step `next_step`."""
        if self._count == 1:
            # Groups of processes with the same latents write it once, at the same time.
            if self._writes:
                self._folder.write_tensors(
                    WHOLE, {**tensors, _STEP: torch.tensor(next_step)}, VERSION
                )
                self._remove_shards()  # of a run on more processes, before this session
            return
        names = [_shard(next_step, number, self._count) for number in range(self._count)]
        sha256 = ""
        if self._writes:
            own = {n: t for n, t in tensors.items() if n in latent_tensors or self._number == 0}
            sha256 = self._folder.write_tensors(names[self._number], own, VERSION)
        of_all = self._gather(sha256)
        if self._writes and self._number == 0:
            record = {
                _STEP: next_step,
                "latent_tensors": sorted(latent_tensors),
                "shards": [
                    {"file": file, "sha256": checksum}
                    for file, checksum in zip(names, of_all, strict=True)
                ],
            }
            self._folder.write_json(INDEX, record, INDEX_VERSION)
            self._folder.remove(WHOLE)
            self._remove_shards(but=names)

    def remove(self) -> None:
        """Remove every checkpoint; processes that do not write the first shard remove none."""
        if self._writes and self._number == 0:
            self._folder.remove(WHOLE)
            self._remove_shards()

    def _index(self) -> dict[str, Any] | None:
        if not self._folder.exists(INDEX):
            return None
        record = self._folder.read_json(INDEX, INDEX_VERSION, _AGAIN)
        try:
            return {
                _STEP: int(record[_STEP]),
                "latent_tensors": frozenset(record["latent_tensors"]),
                "shards": [(str(s["file"]), str(s["sha256"])) for s in record["shards"]],
            }
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError(
                f"{self._folder.url}/{INDEX} does not list the shards of a checkpoint "
                f"({type(error).__name__}: {error}). {_AGAIN}"
            ) from error

    def _joined(self, index: dict[str, Any]) -> dict[str, Tensor]:
        """The divided tensors' rows of this part, and the other tensors, out of all shards."""
        shards, divided = index["shards"], index["latent_tensors"]
        rows: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in divided}
        joined: dict[str, Tensor] = {}
        for shard, (file, sha256) in enumerate(shards):
            if len(shards) == self._count and shard not in (0, self._number):
                continue  # its latents are not this part's
            for name, tensor in self._folder.read_tensors(file, VERSION, _AGAIN, sha256).items():
                if name not in divided:
                    joined[name] = tensor
                    continue
                latents = torch.arange(len(tensor)) * len(shards) + shard
                mine = latents % self._count == self._number
                rows[name].append((latents[mine] // self._count, tensor[mine]))
        for name, pieces in rows.items():
            place = torch.cat([place for place, _ in pieces])
            joined[name] = torch.cat([values for _, values in pieces])[place.argsort()]
        return joined

    def _remove_shards(self, but: Sequence[str] = ()) -> None:
        if not but:
            self._folder.remove(INDEX)  # first, so that no index lists shards that are gone
        for name in self._folder.names():
            if name.startswith("checkpoint-") and name not in but:
                self._folder.remove(name)


def _shard(step: int, number: int, count: int) -> str:
    return f"checkpoint-{step:08d}-{number + 1:03d}-of-{count:03d}.safetensors"
