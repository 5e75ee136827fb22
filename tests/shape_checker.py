"""Run-time checks of annotations, which the tests apply to every function of the package.

jaxtyping's import hook decorates every function, and a decorated call costs some 20 µs, for the
small tensors of tests more than the work itself. So functions without a shape in their annotations
are checked by beartype alone. Of the others every test checks the first calls, and then one in 25:
200 steps of one training have the same shapes.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from pathlib import Path
from types import CodeType
from typing import Any, get_args

import beartype
import jaxtyping
from beartype import BeartypeConf
from beartype.door import is_bearable
from beartype.roar import BeartypeCallHintViolation, BeartypeException

# Calls of one function with shapes that a test checks: the first 8, then every 25th.
FIRST, ONE_IN = 8, 25
_calls: dict[Any, int] = {}
# Functions within functions that this test has checked: decorating costs half a millisecond, and
# one that is made in each of 5,000 calls would cost more than the test.
_inner: set[CodeType] = set()

# As in type checkers, an int will do where a float is asked for.
_check = beartype.beartype(conf=BeartypeConf(is_pep484_tower=True))
_jaxtyped = jaxtyping.jaxtyped


def count_calls_from_zero() -> None:
    """At the start of a test, so that it checks shapes whatever ran before it."""
    _calls.clear()
    _inner.clear()


def jaxtyped(decorated: Any = None, *, typechecker: Any) -> Any:
    """What the import hook puts on every function and class, in place of `jaxtyping.jaxtyped`."""
    if decorated is None:
        return functools.partial(jaxtyped, typechecker=typechecker)
    if inspect.isfunction(decorated) and "<locals>" in decorated.__qualname__:
        if decorated.__code__ in _inner:
            return decorated
        _inner.add(decorated.__code__)
    if dataclasses.is_dataclass(decorated) and inspect.isfunction(vars(decorated).get("__init__")):
        has_shapes = any(map(_has_shape, _evaluated(decorated.__init__).values()))
        decorated.__init__ = (_checked_with_shapes if has_shapes else checked)(decorated.__init__)
        return decorated
    if not inspect.isfunction(decorated):
        return _jaxtyped(decorated, typechecker=typechecker)
    if not any(map(_has_shape, _evaluated(decorated).values())):
        return checked(decorated)
    with_shapes = _checked_with_shapes(decorated)

    @functools.wraps(decorated)
    def sometimes_checked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        calls = _calls[decorated] = _calls.get(decorated, 0) + 1
        if calls > FIRST and calls % ONE_IN:
            return decorated(*args, **kwargs)
        return with_shapes(*args, **kwargs)

    return sometimes_checked


def _checked_with_shapes(function: Any) -> Any:
    # With `typechecker=` jaxtyping checks arguments twice: before the call, and with its result. A
    # generator is not checked before its first step, when the shapes of its call are gone.
    if inspect.isgeneratorfunction(function):
        return _jaxtyped(function, typechecker=checked)
    with_shapes = _jaxtyped(checked(function), typechecker=None)

    @functools.wraps(function)
    def always_checked(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        try:
            return with_shapes(*args, **kwargs)
        except BeartypeCallHintViolation as error:
            raise jaxtyping.TypeCheckError(str(error)) from error

    return always_checked


def checked(function: Any) -> Any:
    """Beartype, lenient only where an annotation cannot be known at run time.

    The package imports heavy packages for annotations under TYPE_CHECKING; such a name does not
    exist at run time, and its annotation is left unchecked; so is a protocol, which only mypy can
    check. All others, shapes first, are checked.
    """
    as_written = function.__annotations__
    function.__annotations__ = {
        name: hint if _can_be_checked(hint) else Any for name, hint in _evaluated(function).items()
    }
    checking = _check(function)
    # Typer and FastAPI read annotations, and are to find those of the source.
    checking.__annotations__ = function.__annotations__ = as_written
    return checking


def _evaluated(function: Any) -> dict[str, Any]:
    """The annotations of a function; Any for those whose names do not exist at run time."""
    hints = {}
    for name, hint in function.__annotations__.items():
        # An alias may be a text too, and is then evaluated in its turn.
        while isinstance(hint, str):
            try:
                hint = eval(hint, function.__globals__)
            except (NameError, AttributeError, TypeError):
                hint = Any
        hints[name] = hint
    return hints


def _has_shape(hint: Any) -> bool:
    if inspect.isclass(hint) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(map(_has_shape, get_args(hint)))


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
