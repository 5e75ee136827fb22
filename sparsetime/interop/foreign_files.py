"""Files of another library, read without running any code that they may hold."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import fsspec
import torch
from torch import Tensor

from sparsetime.errors import DataError, StoreError
from sparsetime.files import Folder

_LARGEST_TEXT = 16 << 20  # bytes of a config; the longest known has some kilobytes
_MAX_COMPRESSION = 100  # ratio that weights may reach; zeros alone are compressed further
_UNCHECKED_SIZE = 64 << 20  # bytes up to which the ratio does not matter


@final
@dataclass(frozen=True)
class ForeignFiles:
    """A folder of another library's files, or one file of it.

    folder: local or remote (fsspec). file: the name of the file that was given; "" for a folder.
    """

    folder: Folder
    file: str = ""

    @staticmethod
    def at(url: str) -> ForeignFiles:
        """The source at a path or URL. Errors: StoreError where nothing is there."""
        url = url.rstrip("/") or url
        fs, path = fsspec.core.url_to_fs(url)
        if not fs.exists(path):
            raise StoreError(f"got {url}, expected a folder or file of a dictionary; none is there")
        if not fs.isfile(path):
            return ForeignFiles(Folder(url))
        head, _, name = url.rpartition("/")
        return ForeignFiles(Folder(head or "."), name)

    def inner(self, name: str) -> ForeignFiles | None:
        """A folder within this one; None where the name is a file."""
        folder = self.folder / name
        return None if ForeignFiles.at(folder.url).file else ForeignFiles(folder)

    @property
    def where(self) -> str:
        """The address of the source, for errors."""
        return f"{self.folder.url}/{self.file}" if self.file else self.folder.url

    def names(self) -> list[str]:
        """Names of the files and folders that belong to the source, as they were at first."""
        return self._names

    @cached_property
    def _names(self) -> list[str]:
        # Every format asks for them, and a remote folder is listed by a request.
        return [self.file] if self.file else self.folder.names()

    def has(self, *names: str) -> bool:
        """Whether all these files belong to the source."""
        return all(name in self.names() for name in names)

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object. Errors: DataError where the file is none, or far too large."""
        try:
            value = json.loads(self._text(name))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{self.folder.url}/{name} is not valid JSON: {error}") from None
        return self._mapping(name, value)

    def yaml(self, name: str) -> dict[str, Any]:
        """A YAML mapping of plain values. Errors: as for JSON."""
        import yaml

        try:
            value = yaml.safe_load(self._text(name))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            why = " ".join(str(error).split())
            raise DataError(f"{self.folder.url}/{name} is not plain YAML: {why}") from None
        return self._mapping(name, value)

    def safetensors(self, name: str) -> dict[str, Tensor]:
        """The tensors of a safetensors file. Errors: DataError where it is cut off or none."""
        from safetensors import SafetensorError
        from safetensors.torch import load, load_file

        try:
            if self.folder.is_local:
                return load_file(self.folder.path(name))
            return load(self.folder.read_bytes(name))
        except (SafetensorError, ValueError, OSError) as error:
            raise DataError(
                f"{self.folder.url}/{name} is not a whole safetensors file ({error}); get it again"
            ) from None

    def pt(self, name: str) -> dict[str, Tensor]:
        """The tensors of a file of `torch.save`, read with `weights_only`: no code of it runs.

        Errors: DataError where it holds anything but tensors by name, is cut off, or is not stored
        as torch stores it.
        """
        data = self.folder.read_bytes(name)
        where = f"{self.folder.url}/{name}"
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                packed = [m.filename for m in archive.infolist() if m.compress_type]
        except (zipfile.BadZipFile, ValueError) as error:
            raise DataError(
                f"{where} is no file of torch.save since 1.6, or is cut off ({error}). If you "
                "trust it, open it where it comes from and save its tensors with safetensors"
            ) from None
        if packed:
            raise DataError(
                f"{where} has compressed members ({packed[0]}), which torch.save does not write: "
                "they may grow to any size. If you trust it, save its tensors with safetensors"
            )
        try:
            value = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises what its reader, zip and pickle raise
            why = str(error).split("\n")[0][:160]
            raise DataError(
                f"{where} holds more than tensors, or is damaged ({type(error).__name__}: {why}). "
                "A pickle may run code, so it is not opened otherwise. If you trust it, save its "
                "tensors with safetensors where it comes from"
            ) from None
        if not isinstance(value, Mapping) or not all(isinstance(t, Tensor) for t in value.values()):
            raise DataError(f"{where} holds a {type(value).__name__}, expected tensors by name")
        return {str(key): tensor for key, tensor in value.items()}

    def npz(self, name: str) -> dict[str, Tensor]:
        """The arrays of a NumPy archive, without pickles. Errors: as for `pt`."""
        import numpy as np

        data = self.folder.read_bytes(name)
        where = f"{self.folder.url}/{name}"
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                size = sum(member.file_size for member in archive.infolist())
            if size > _UNCHECKED_SIZE and size > _MAX_COMPRESSION * len(data):
                raise DataError(
                    f"{where} has {len(data):,} bytes and unpacks to {size:,}, which no weights "
                    "do; get it again from where it was published"
                )
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return {key: torch.from_numpy(arrays[key]) for key in arrays.files}
        except (zipfile.BadZipFile, ValueError, TypeError, EOFError, OSError) as error:
            raise DataError(
                f"{where} is not a NumPy archive of numbers, or is cut off ({error}). Pickles in "
                "it are not opened"
            ) from None

    def _text(self, name: str) -> str:
        size = self.folder.size(name)
        if size > _LARGEST_TEXT:
            raise DataError(f"{self.folder.url}/{name} has {size:,} bytes, too many for a config")
        try:
            return self.folder.read_bytes(name).decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{self.folder.url}/{name} is not UTF-8 text: {error}") from None

    def _mapping(self, name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise DataError(
                f"{self.folder.url}/{name} holds a {type(value).__name__}, expected keys and values"
            )
        return value
