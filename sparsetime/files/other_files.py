"""Check of a folder before it is written to: whether it holds files of something else."""

from __future__ import annotations

from collections.abc import Collection

from sparsetime.errors import StoreError
from sparsetime.files.folder import Folder
from sparsetime.files.partial import SUFFIX

_BESIDE = "Choose another folder, or write beside these files with force=True"
_NAMED = 3


def check_no_other_files(
    folder: Folder, what: str = "", own: Collection[str] = (), advice: str = _BESIDE
) -> None:
    """Check that a folder holds nothing but its own files and leftovers of killed processes.

    what: the kind of output that may be there, such as "feature index"; "" where none may. own:
    names of its files and folders. advice: what to do.

    Errors: StoreError that names the first other files.
    """
    others = [n for n in folder.names() if n not in own and not n.endswith(SUFFIX)]
    if others:
        lacking = f" and holds no {what}" if what else ""
        named = ", ".join(others[:_NAMED]) + (", …" if len(others) > _NAMED else "")
        raise StoreError(f"{folder.url} is not empty{lacking}: it has {named}. {advice}")
