"""Base class of the components of a sequence model: views, mixers, channels and heads."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import Field
from torch import nn

from sparsetime.component_settings import checked_settings
from sparsetime.components import RegisteredComponent

#: A setting that counts something, of at least 1.
Count: TypeAlias = Annotated[int, Field(ge=1, strict=True)]
#: A setting that is a positive number.
Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SequenceComponent(RegisteredComponent, nn.Module):
    """A component of a sequence model, whose settings are checked when it is built.

    Errors: ConfigError for a setting of another type, or out of range.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**checked_settings(f"{self.role} {self.kind!r}", type(self), settings))
