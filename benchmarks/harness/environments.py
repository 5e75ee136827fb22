"""A virtual environment for each peer, made once, with the versions pinned beside its worker."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

PEERS = Path(__file__).parent.parent / "peers"
CACHE = Path(__file__).parent.parent.parent / "build" / "benchmarks"


class NotInstalled(Exception):  # noqa: N818
    """A peer's environment could not be made."""


def python_of(library: str) -> Path:
    """The interpreter that `library` is measured with; its environment is made if need be."""
    if library == "sparsetime":
        return Path(sys.executable)
    pins = PEERS / f"{library}.txt"
    home = CACHE / library
    python = home / "bin" / "python"
    ready = home / "pins"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if ready.exists() and ready.read_text() == digest:
        return python
    print(f"making {home} from {pins.name}; once, some minutes", file=sys.stderr)
    torch = next(line for line in pins.read_text().splitlines() if line.startswith("torch=="))
    _run([sys.executable, "-m", "venv", str(home)])
    # torch first and alone, and then every pin as it is: nothing brings another build of torch.
    _run([str(python), "-m", "pip", "install", "--quiet", "-c", str(pins), torch])
    _run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(pins)])
    ready.write_text(digest)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise NotInstalled(f"{' '.join(command[-4:])}: {' '.join(last)}")
