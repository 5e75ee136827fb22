"""A model as the command line names it: a folder, a name, or a function of the user's own code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparsetime.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from sparsetime.models.load import LoadedModel

MODEL_HELP = "A model's folder or name, or package.module:function, or file.py:function."
_CONTRACT = "a function without arguments that returns a torch.nn.Module"


def named_model(name: str) -> str | LoadedModel:
    """The model that `package.module:function` or `path/to/file.py:function` makes.

    The function takes no arguments and returns a torch.nn.Module, or a `LoadedModel` as functions
    of `sparsetime.testbeds` do, with the same weights each time, as an interrupted capture resumes
    only with the model that it began with. A module's name is looked up from the working folder
    too. Any other name is passed on for `transformers` to load.

    Errors: ConfigError where the code cannot be found or imported, or gives no module.
    """
    home, colon, attribute = name.rpartition(":")
    if not colon or Path(name).exists():
        return name
    if not home or not attribute:
        raise ConfigError(
            f"the model {name!r} is not of the form package.module:function or "
            f"path/to/file.py:function"
        )
    from torch import nn

    from sparsetime.models.load import LoadedModel, load_model

    file = Path(home) if home.endswith(".py") else None
    with _importable(file.absolute().parent if file else Path.cwd()):
        code = _imported(name, home, file)
        model = _called(name, _function(name, home, attribute, code))
    if not isinstance(model, nn.Module | LoadedModel):
        raise ConfigError(
            f"the model {name!r}: {attribute}() returned a {type(model).__name__}; expected "
            f"{_CONTRACT}"
        )
    return replace(load_model(model), name=name)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Modules in `folder` can be imported, as they can by a script that lies there."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _imported(name: str, home: str, file: Path | None) -> Any:
    if file is not None and not file.is_file():
        raise ConfigError(f"the model {name!r}: the file {home!r} does not exist")
    try:
        return import_module(home) if file is None else _executed(file)
    except Exception as error:  # whatever the user's code raises
        raise ConfigError(
            f"the model {name!r}: importing {home!r} failed: {type(error).__name__}: {error}"
        ) from error


def _executed(file: Path) -> Any:
    # Registered, as dataclasses look there; under a name that hides no other module.
    spec = spec_from_file_location(f"_model_file_{file.stem}", file)
    if spec is None or spec.loader is None:  # not for a name that ends in .py
        raise ImportError(f"{file} is not Python code")
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _function(name: str, home: str, attribute: str, code: Any) -> Callable[[], Any]:
    if not hasattr(code, attribute):
        functions = [key for key, value in vars(code).items() if inspect.isroutine(value)]
        raise unknown_name(f"function of {home!r}", attribute, functions)
    make_model = getattr(code, attribute)
    if not (inspect.isroutine(make_model) or inspect.isclass(make_model)):
        raise ConfigError(
            f"the model {name!r}: got a {type(make_model).__name__} as {attribute}, expected "
            f"{_CONTRACT}"
        )
    try:
        inspect.signature(make_model).bind()
    except TypeError as error:
        raise ConfigError(
            f"the model {name!r}: {attribute} needs arguments ({error}); expected {_CONTRACT}"
        ) from error
    except ValueError:
        pass  # a built-in that does not tell its signature
    return make_model


def _called(name: str, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except Exception as error:  # whatever the user's code raises
        raise ConfigError(
            f"the model {name!r}: the call failed: {type(error).__name__}: {error}. Put --debug "
            f"before the command to see where"
        ) from error
