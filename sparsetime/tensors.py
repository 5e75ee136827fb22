"""Conversion of what users hand over as arrays to plain torch tensors, with errors that name it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from sparsetime.errors import DataError

#: A tensor, an array of numpy or of a package like it, a table of numbers, or nested lists.
ArrayLike: TypeAlias = Any

# Array types of these packages carry units, names of axes or masks, which numbers alone would lose.
_CARRY_MORE = ("astropy", "pint", "unyt", "xarray", "awkward")
_QUANTISED = (torch.qint8, torch.quint8, torch.qint32, torch.quint4x2, torch.quint2x4)
_PLAIN_ARRAYS = (np.ndarray, np.memmap, np.matrix)
_KINDS = {
    "U": "it holds texts",
    "S": "it holds bytes",
    "T": "it holds texts",
    "M": "it holds dates; give seconds or another number",
    "m": "it holds times; give seconds or another number",
    "c": "it holds complex numbers; give their real and imaginary parts as features",
    "O": "it holds other objects than numbers, or rows of several lengths",
    "V": "it is a structured array; give its fields as columns of one array",
}


def is_array(value: Any) -> bool:
    """Whether the value is an array or a table, of torch, numpy, pandas or a package like them."""
    if isinstance(value, Tensor | np.ndarray):
        return True
    return hasattr(value, "__array__") or type(value).__module__.startswith("pyarrow.")


def as_tensor(value: Any, what: str, verb: str = "is") -> Tensor:
    """The numbers as a strided tensor, on its own device and in its own dtype; gradients are kept.

    value: a tensor, an array of numpy or of a package like it, a table, or nested lists. Integers
    that torch hardly computes with (uint16 to uint64) become int64, and floats of 8 bits float32.
    what, verb: the value, in errors, as in "the tokens ... are".

    Errors: DataError for what is no array of numbers, and for arrays that carry more than numbers
    (masks, missing values, units, sparse or nested layouts), with what to give instead.
    """
    refuse = _Refusal(value, what, verb)
    if isinstance(value, Tensor):
        return _from_tensor(value, refuse)
    if isinstance(value, list | tuple) and value and all(isinstance(v, Tensor) for v in value):
        parts = [_from_tensor(part, refuse) for part in value]
        if len({part.shape for part in parts}) > 1:
            raise refuse.because("its tensors have several shapes")
        return torch.stack(parts)
    return _from_numpy(_array(value, refuse), refuse)


def as_tokens(value: Any, what: str) -> Int[Tensor, "*shape"]:
    """Token numbers as int64. Errors: those of `as_tensor`, and DataError for other numbers."""
    tensor = as_tensor(value, what, "are")
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise DataError(
            f"{what} are {dtype_name(tensor)} {list(tensor.shape)}; expected whole numbers, as a "
            "tokenizer gives them"
        )
    return tensor.long()


def as_mask(value: Any, shape: Sequence[int], what: str) -> Bool[Tensor, "*shape"]:
    """A mask of that shape as truth values; zeros and ones of any dtype are taken too.

    Errors: those of `as_tensor`; DataError for another shape, or for other numbers.
    """
    tensor = as_tensor(value, what)
    if list(tensor.shape) != list(shape):
        raise DataError(
            f"{what} has the shape {list(tensor.shape)}; expected {list(shape)}, one entry a token"
        )
    if tensor.dtype == torch.bool:
        return tensor
    if not bool(((tensor == 0) | (tensor == 1)).all()):
        raise DataError(
            f"{what} is {dtype_name(tensor)} with other values than 0 and 1; expected truth "
            "values, or the attention_mask of a tokenizer. Give `mask == 0` of a mask that is "
            "added to attention scores"
        )
    return tensor.bool()


def dtype_name(tensor: Tensor) -> str:
    """The name of a tensor's dtype as errors show it."""
    return str(tensor.dtype).removeprefix("torch.")


class _Refusal:
    """Makes the error for a value that cannot be used as an array of numbers."""

    def __init__(self, value: Any, what: str, verb: str) -> None:
        self._kind, self._what, self._verb = type(value).__name__, what, verb

    def because(self, reason: str) -> DataError:
        if self._verb == "are":
            return DataError(
                f"{self._what} are not an array of numbers: {self._kind} was given, and {reason}"
            )
        return DataError(
            f"{self._what} {self._verb} a {self._kind} that is no array of numbers: {reason}"
        )


def _from_tensor(value: Tensor, refuse: _Refusal) -> Tensor:
    kind = type(value)
    if value.is_nested:
        raise refuse.because("it is nested, with rows of several lengths; give value.unbind()")
    if kind.__torch_dispatch__ is not Tensor.__torch_dispatch__:
        raise refuse.because(
            f"a {kind.__name__} carries more than its numbers; give a plain torch.Tensor"
        )
    if value.dtype in _QUANTISED:
        raise refuse.because("it is quantised; give value.dequantize()")
    if value.layout != torch.strided:
        raise refuse.because("it is sparse; give value.to_dense()")
    if value.is_meta:
        raise refuse.because("it is on the meta device, where it has no values")
    if value.is_complex():
        raise refuse.because(_KINDS["c"])
    if kind is not Tensor:
        value = value.as_subclass(Tensor)
    value = value.resolve_neg()
    if value.is_inference():  # such tensors cannot be saved for gradients
        with torch.inference_mode(False):
            value = value.clone()
    if value.is_floating_point():
        return value.float() if value.dtype.itemsize < 2 else value
    if value.dtype in (torch.uint16, torch.uint32, torch.uint64):
        signed = value.to(torch.int64)
        if value.dtype == torch.uint64 and bool((signed < 0).any()):
            raise refuse.because("its numbers are too large for int64")
        return signed
    return value


def _array(value: Any, refuse: _Refusal) -> np.ndarray[Any, Any]:
    """The value as an array of numpy."""
    package = type(value).__module__.partition(".")[0]
    if isinstance(value, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(value).sum())
        if masked:
            raise refuse.because(
                f"{masked} of its values are masked; leave such steps out, or fill them with "
                "value.filled(number)"
            )
        return np.ma.getdata(value)
    if package in _CARRY_MORE or (
        isinstance(value, np.ndarray) and type(value) not in _PLAIN_ARRAYS
    ):
        raise refuse.because(
            f"a {package}.{type(value).__name__} carries more than its numbers; give its values as "
            "a plain array, with time on the first axis"
        )
    missing = _missing(value)
    if missing:
        raise refuse.because(f"{missing} of its values are missing; leave such steps out")
    if isinstance(value, list | tuple) and value and is_array(value[0]):
        parts = [_array(part, refuse) if not isinstance(part, Tensor) else part for part in value]
        value = [np.asarray(part) for part in parts]
    if not isinstance(value, list | tuple | np.ndarray | np.generic) and not is_array(value):
        raise refuse.because("expected a tensor, an array of numpy, or a list of numbers")
    if isinstance(value, list | tuple):
        return _of_list(value, refuse)
    if type(value).__module__.startswith("pyarrow."):
        columns = getattr(value, "columns", None)
        if columns is not None:
            return np.stack([_array(column, refuse) for column in columns], 1)
        return np.asarray(value.to_numpy(zero_copy_only=False))
    if _is_pandas(value) and all(dtype.kind in "biuf" for dtype in _dtypes(value)):
        # Columns of types that allow missing values are objects otherwise.
        return np.asarray(value.to_numpy(dtype=np.float64 if _has_floats(value) else np.int64))
    return np.asarray(value)


def _has_floats(value: Any) -> bool:
    return any(dtype.kind == "f" for dtype in _dtypes(value))


def _of_list(value: Sequence[Any], refuse: _Refusal) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise refuse.because(str(error)) from error
    holds_arrays = bool(value) and isinstance(value[0], np.ndarray)
    if array.dtype == np.float64 and not holds_arrays:  # numbers of Python, as torch takes them
        return array.astype(np.float32)
    return array if array.size else array.astype(np.float32)


def _missing(value: Any) -> int:
    """The number of missing values of a column or a table; NaN in plain floats is not missing."""
    if hasattr(value, "null_count"):  # a column of polars or pyarrow
        nulls = value.null_count() if callable(value.null_count) else value.null_count
        return int(np.asarray(nulls).sum())
    if type(value).__module__.startswith("pyarrow.") and hasattr(value, "columns"):
        return sum(column.null_count for column in value.columns)
    if _is_pandas(value):
        plain = [isinstance(dtype, np.dtype) and dtype.kind == "f" for dtype in _dtypes(value)]
        return int((np.asarray(value.isna()) & ~np.array(plain)).sum())
    return 0


def _is_pandas(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "isna")


def _dtypes(value: Any) -> list[Any]:
    """The types of the columns of a table of pandas, or of a single column."""
    return [value.dtype] if hasattr(value, "dtype") else list(value.dtypes)


def _from_numpy(array: np.ndarray[Any, Any], refuse: _Refusal) -> Tensor:
    kind, name = array.dtype.kind, array.dtype.name
    if kind == "V" and ("float" in name or "bfloat" in name):  # types of ml_dtypes
        array = array.astype(np.float32)
    elif kind in _KINDS:
        raise refuse.because(_KINDS[kind])
    elif kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    elif kind == "u" and array.dtype.itemsize > 1:
        if array.size and int(array.max()) > np.iinfo(np.int64).max:
            raise refuse.because("its numbers are too large for int64")
        array = array.astype(np.int64)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if any(stride < 0 for stride in array.strides):
        array = array.copy()
    with warnings.catch_warnings():  # nothing here writes into what a user hands over
        warnings.filterwarnings("ignore", message="The given NumPy array is not writ")
        return torch.from_numpy(np.asarray(array))
