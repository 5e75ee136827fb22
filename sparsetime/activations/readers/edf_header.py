"""Headers of EDF and BDF files: sampling rates of the channels, and whether the file is whole.

Source: Kemp et al. 1992, A simple format for exchange of digitized polygraphic recordings; EDF+:
Kemp and Olivan 2003. The fields are ASCII of fixed width; a header of n signals has 256 (n + 1)
bytes.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from sparsetime.errors import DataError

_FIRST = 256  # bytes of the part that holds for all signals
_BEFORE_SAMPLES = 16 + 80 + 8 + 8 + 8 + 8 + 8 + 80  # bytes a signal before samples a record
_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")


def check_edf(path: Path) -> None:
    """Check that the header can be read and that the file is as long as it says.

    A warning names channels of a lower rate than others, which are resampled to the highest.

    Errors: DataError for a damaged header, and for a file that ends early.
    """
    wide = 3 if path.suffix.lower() == ".bdf" else 2
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(_FIRST)
        try:
            stated, records = int(head[184:192]), int(head[236:244])
            seconds, signals = float(head[244:252]), int(head[252:256])
            rest = file.read(_FIRST * signals)
            names = [_text(rest, 16 * n, 16) for n in range(signals)]
            at = _BEFORE_SAMPLES * signals
            samples = [int(_text(rest, at + 8 * n, 8)) for n in range(signals)]
        except (ValueError, UnicodeDecodeError) as error:
            raise DataError(
                f"{path} is damaged: its header is no EDF header ({error}); copy it again"
            ) from error
    if signals < 1 or stated != _FIRST * (signals + 1) or min(samples) < 1:
        raise DataError(
            f"{path} is damaged: its header counts {signals} signals in {stated} bytes; copy it "
            "again"
        )
    whole = stated + max(records, 0) * sum(samples) * wide
    if records > 0 and size < whole:
        raise DataError(
            f"{path} ends early: its header counts {records:,} records, {whole:,} bytes in all, "
            f"and it has {size:,}; copy it again"
        )
    rates = {
        name: count / seconds
        for name, count in zip(names, samples, strict=True)
        if name not in _ANNOTATIONS and seconds > 0
    }
    slow = [name for name, rate in rates.items() if rate < max(rates.values())]
    if slow:
        named = ", ".join(slow[:3]) + (", …" if len(slow) > 3 else "")
        warnings.warn(
            f"{path}: {named} have fewer samples than other channels and are resampled to "
            f"{max(rates.values()):g} Hz; leave them out with channels=",
            stacklevel=2,
        )


def _text(data: bytes, start: int, length: int) -> str:
    return data[start : start + length].decode("ascii").strip()
