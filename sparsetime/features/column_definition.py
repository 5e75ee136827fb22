"""Definition of one column of a feature table: name, dtype, unit, definition, source, role."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, final, get_args

import pyarrow as pa

from sparsetime.errors import ConfigError, DamagedError

#: "name": the column's strings name features. "explanation": they do where no name column does.
#: "value": everything else.
Role: TypeAlias = Literal["value", "name", "explanation"]

_TEXT = ("string", "list<string>")
_ARROW_TYPES: dict[str, pa.DataType] = {
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "string": pa.string(),
    "list<string>": pa.list_(pa.string()),
    "list<float64>": pa.list_(pa.float64()),
}


@final
@dataclass(frozen=True)
class ColumnDefinition:
    """What a column of a feature table holds.

    name: the column's. dtype: one of int32, int64, float32, float64, bool, string, list<string>,
    list<float64>. unit: such as "steps" or "nats"; empty for a number without a unit and for text.
    definition: one sentence or an equation. source: the paper, command or person it comes from.
    role: "name" for a column of strings that name features, "explanation" for one whose strings
    do where no name column has one.

    Errors: ConfigError for another dtype or role, for an empty name or definition, for ':' or ','
    in the name, and for a name column that is not of strings.
    """

    name: str
    dtype: str
    definition: str
    unit: str = ""
    source: str = ""
    role: Role = "value"

    def __post_init__(self) -> None:
        if self.dtype not in _ARROW_TYPES:
            raise ConfigError(
                f"column {self.name!r}: got the dtype {self.dtype!r}, expected one of "
                f"{', '.join(_ARROW_TYPES)}"
            )
        if not self.name.strip() or not self.definition.strip():
            raise ConfigError(
                f"column {self.name!r}: got the definition {self.definition!r}; a column needs a "
                f"name and a definition, so write both"
            )
        if any(character in self.name for character in ":,"):
            raise ConfigError(
                f"got the column name {self.name!r}; it may hold no ':' and no ',', which separate "
                f"names from bounds where features are filtered"
            )
        is_value = self.role == "value"
        if self.role not in get_args(Role) or (not is_value and self.dtype != "string"):
            raise ConfigError(
                f"column {self.name!r}: got the role {self.role!r} with dtype {self.dtype}; the "
                f"role is 'value', or 'name' or 'explanation' for a column of strings"
            )

    @property
    def arrow_type(self) -> pa.DataType:
        """The column's type in Arrow and Parquet."""
        return _ARROW_TYPES[self.dtype]

    @property
    def is_numeric(self) -> bool:
        """Whether features can be sorted by the column and filtered by its range."""
        return self.dtype not in _TEXT and not self.dtype.startswith("list")

    @property
    def is_text(self) -> bool:
        """Whether a search for words looks into the column."""
        return self.dtype in _TEXT

    def to_config(self) -> dict[str, str]:
        """The definition as JSON holds it."""
        return asdict(self)

    @staticmethod
    def from_config(config: Any) -> ColumnDefinition:
        """A definition from its JSON. Errors: DamagedError where the JSON is no definition."""
        try:
            return ColumnDefinition(**config)
        except (TypeError, ConfigError) as error:
            raise DamagedError(f"{config!r} is not the definition of a column: {error}") from error


def arrow_schema(definitions: tuple[ColumnDefinition, ...]) -> pa.Schema:
    """The Arrow schema of columns in this order."""
    return pa.schema([(column.name, column.arrow_type) for column in definitions])
