"""Run-time checks of annotations, which the tests apply to every function of the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import beartype
from beartype import BeartypeConf
from beartype.door import is_bearable
from beartype.roar import BeartypeException

# As in type checkers, an int will do where a float is asked for.
_check = beartype.beartype(conf=BeartypeConf(is_pep484_tower=True))


def checked(function: Any) -> Any:
    """Beartype, lenient only where an annotation cannot be known at run time.

    The package imports heavy packages for annotations under TYPE_CHECKING; such a name does not
    exist at run time, and its annotation is left unchecked; so is a protocol, which only mypy can
    check. All others, shapes first, are checked.
    """
    hints = {}
    for name, hint in function.__annotations__.items():
        if isinstance(hint, str):
            try:
                hint = eval(hint, function.__globals__)
            except (NameError, AttributeError, TypeError):
                hint = Any
        hints[name] = hint if _can_be_checked(hint) else Any
    function.__annotations__ = hints
    return _check(function)


def _can_be_checked(hint: Any) -> bool:
    try:
        is_bearable(None, hint)
    except (BeartypeException, TypeError):
        return False
    return True


def checkable(folder: Path, name: str) -> list[str]:
    """The modules below a package, but those whose functions numba or Triton compiles.

    A whole package is named once where nothing in it is left out, since naming covers all below.
    """
    if not any(map(_is_compiled, folder.rglob("*.py"))):
        return [name]
    inner = [p for p in sorted(folder.iterdir()) if (p / "__init__.py").exists()]
    files = [p for p in sorted(folder.glob("*.py")) if p.stem != "__init__" and not _is_compiled(p)]
    return [f"{name}.{p.stem}" for p in files] + [
        module for p in inner for module in checkable(p, f"{name}.{p.name}")
    ]


def _is_compiled(file: Path) -> bool:
    text = file.read_text(encoding="utf-8")
    return any(line in text for line in ("import numba", "from numba", "import triton"))
