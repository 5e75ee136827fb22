"""Fetching of pinned wheels with the user's own pip, and the copies in the user's cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from sparsetime.errors import ConfigError, StoreError
from sparsetime.files import Folder, folder_lock
from sparsetime.files.user_cache import user_cache
from sparsetime.testbeds.wheels.archive import WheelArchive, of_file, of_installed
from sparsetime.testbeds.wheels.register import PinnedWheel, pinned


def wheel_folder() -> Path:
    """Where wheels are kept: `sparsetime/wheels` of the user's cache folder."""
    return user_cache("wheels")


def open_wheel(name: str) -> WheelArchive:
    """The wheel of a package, from the installed package or the cache; nothing is fetched.

    Errors: UnknownNameError for a wheel that is not registered; ConfigError, with what to do, where
    there is no copy; DamagedError where a copy is not the pinned one.
    """
    wheel = pinned(name)
    found = _copy(wheel)
    if found is None:
        raise ConfigError(
            f"{wheel.name} {wheel.version} is not here: {wheel.holds} ({wheel.megabytes}, "
            f"{wheel.terms}). Run `sparsetime testbeds fetch {wheel.name}`; "
            f"{without_network(wheel)}"
        )
    return found


def fetch_wheel(name: str) -> WheelArchive:
    """Download the wheel of a package into the cache, unless there is a copy, and open it.

    `pip download` fetches it as the user's pip is configured: index, proxy and certificates are its
    own. Nothing is installed, and no dependency is fetched. pip compares the SHA-256 while it
    downloads, and it is compared again before the archive is opened.

    Errors: as `open_wheel`; ConfigError where there is no pip; StoreError with the words of pip
    where it failed.
    """
    wheel = pinned(name)
    folder = wheel_folder()
    with folder_lock(Folder(str(folder)), what=f"a download of {wheel.name}", patience=-1):
        found = _copy(wheel)
        if found is None:
            _download(wheel, folder)
            found = of_file(wheel, folder / wheel.file)
    return found


def remove_wheel(name: str) -> int:
    """Remove the copy in the cache with all files extracted from it; returns the bytes freed.

    An installed package is left alone.
    """
    wheel = pinned(name)
    path, members = wheel_folder() / wheel.file, extracted_folder(wheel)
    freed = cached_bytes(wheel)
    path.unlink(missing_ok=True)
    shutil.rmtree(members, ignore_errors=True)
    return freed


def extract(archive: WheelArchive, name: str) -> Path:
    """The path of a file of a wheel on the disk, below the cache or of the installed package."""
    return archive.extracted(name, extracted_folder(archive.wheel))


def extracted_folder(wheel: PinnedWheel) -> Path:
    """Where files are written for readers that take no bytes."""
    return wheel_folder() / f"{wheel.name}-{wheel.version}"


def cached_bytes(wheel: PinnedWheel) -> int:
    """Bytes in the cache of a wheel and its extracted files; 0 where it was not fetched."""
    paths = [wheel_folder() / wheel.file, *extracted_folder(wheel).rglob("*")]
    return sum(path.stat().st_size for path in paths if path.is_file())


def where(wheel: PinnedWheel) -> str:
    """Where its copy is: "installed", "cached" or "", without opening it."""
    if of_installed(wheel):
        return "installed"
    return "cached" if (wheel_folder() / wheel.file).exists() else ""


def without_network(wheel: PinnedWheel) -> str:
    """What to put where, on a machine without a network."""
    return (
        f"without a network, run `{' '.join(['pip', *_pip_arguments(wheel)])} "
        f"{wheel.name}=={wheel.version}` on another machine and put {wheel.file} into "
        f"{wheel_folder()}"
    )


def _copy(wheel: PinnedWheel) -> WheelArchive | None:
    installed = of_installed(wheel)
    path = wheel_folder() / wheel.file
    return installed or (of_file(wheel, path) if path.exists() else None)


def _pip_arguments(wheel: PinnedWheel) -> list[str]:
    """Arguments of pip that name one wheel: no dependency, and nothing that would be built."""
    tags = [f"--python-version={wheel.python}"] if wheel.python else []
    tags += [f"--platform={wheel.platform}"] if wheel.platform else []
    return ["download", "--no-deps", "--only-binary=:all:", *tags]


def _download(wheel: PinnedWheel, folder: Path) -> None:
    if find_spec("pip") is None:
        raise ConfigError(
            f"{sys.executable} has no pip, which fetches {wheel.name}; install it, or "
            f"{without_network(wheel)}"
        )
    with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as inside:
        # A requirement with its hash: pip refuses other bytes before it looks into them.
        wanted = Path(inside) / "requirements.txt"
        requirement = f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
        Folder(inside).write_bytes(wanted.name, requirement.encode())
        command = [sys.executable, "-m", "pip", *_pip_arguments(wheel), "--require-hashes"]
        command += [
            "--disable-pip-version-check",
            "--no-input",
            "--dest",
            inside,
            "-r",
            str(wanted),
        ]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
        got = Path(inside) / wheel.file
        if done.returncode or not got.exists():
            words = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            reason = " ".join(words or done.stderr.splitlines()[-3:])
            raise StoreError(
                f"pip could not download {wheel.name}=={wheel.version}: {reason or 'no reason'} "
                f"{_sentence(without_network(wheel))}"
            )
        got.replace(folder / wheel.file)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
