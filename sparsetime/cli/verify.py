"""sparsetime verify: check the checksum of every file of a run."""

from __future__ import annotations

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import RunFolder, say


@app.command()
def verify(run: RunFolder) -> None:
    """Read every file of a run and check its checksum, as after a copy.

    Ends with status 1 where a file is damaged.

    \b
    Examples:
      sparsetime verify runs/demo
    """
    from sparsetime.files import Folder
    from sparsetime.files.check_folder import check_folder

    found = check_folder(Folder(run))
    for sentence in found.damaged:
        say(sentence)
    say(
        f"{run}: {found.files:,} files, {len(found.damaged):,} damaged, "
        f"{len(found.unverified):,} without a checksum"
    )
    if found.unverified:
        more = ", …" if len(found.unverified) > 5 else ""
        say(f"without a checksum: {', '.join(found.unverified[:5])}{more}")
    if found.unfinished:
        say(f"left by a killed process, and removed at its next start: {found.unfinished[0]}")
    if found.damaged:
        raise typer.Exit(1)
