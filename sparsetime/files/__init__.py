"""Files: atomic writes into local and remote folders, checksums, locks."""

from sparsetime.files.folder import Folder
from sparsetime.files.folder_lock import folder_lock, locks
from sparsetime.files.lines import Lines

__all__ = ["Folder", "Lines", "folder_lock", "locks"]
