"""The run file: one YAML file with a section for each command, and what each section may hold.

docs/command-line.md shows one in full. A flag is a key of its section; `--set` reaches all keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from sparsetime.cli.excluded_steps import ExcludedSteps
from sparsetime.cli.model_on_data import ModelOnData
from sparsetime.comparison.settings import LeaderboardSettings
from sparsetime.config import Settings
from sparsetime.suites.settings import SuiteSettings
from sparsetime.training.config import TrainConfig

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.dictionaries.dictionary import Dictionary
    from sparsetime.training.loggers.training_logger import TrainingLogger


class CaptureSection(ModelOnData, ExcludedSteps):
    """What `sparsetime capture` runs and where it writes.

    `keep_input` keeps what the model was given beside the activations; .npy files are referred to.
    `rate`, `offset`, `feature_map` and `input_layout` are of models whose rows are not the steps of
    their input; see `sparsetime.capture`. `labels` is a table of labels, `events` are tables of
    events. `time_axis` says where time stands in the site's tensor.
    `part` is this part of the documents, and how many parts there are; under torchrun, the rank and
    the number of processes.
    """

    site: str | list[str]
    out: str
    window: int | None = Field(default=None, gt=0)
    overlap: int = Field(default=0, ge=0)
    batch: int | None = Field(default=None, gt=0)
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    time_axis: Literal[0, 1, 2] = 1
    rate: PositiveFloat | None = None
    offset: float | None = None
    feature_map: Literal["flatten", "pool", "features"] | None = None
    input_layout: str | None = None
    keep_input: bool = False
    labels: str | None = None
    events: list[str] | None = None
    part: tuple[int, int] | None = None
    force: bool = False


class SuiteSection(ModelOnData, SuiteSettings):
    """What `sparsetime suite` makes for every site, and on what else it measures it.

    `contexts` are lengths in tokens, `copies` other weights of the same model, named as `model` is.
    """

    out: str
    contexts: list[int] = Field(default_factory=list)
    copies: list[str] = Field(default_factory=list)
    force: bool = False


class LeaderboardSection(LeaderboardSettings):
    """Which recipes `sparsetime leaderboard` compares on which testbeds, and where it writes."""

    out: str


class StoreView(Settings):
    """A store in two parts: a dictionary learns on one and is measured on the other.

    `split_by` is sequence, group (of the sequence label `split_label`; `split_groups` names those
    that are held out) or time (with a gap of `split_gap` steps); see `sparsetime.split`. `cache`
    and `cache_size` are of a remote store; see `sparsetime.open_store`.
    """

    store: str
    cache: str | None = None
    cache_size: str | PositiveInt = "20GB"
    held_out: float = Field(default=0.1, ge=0, lt=1)
    split_by: Literal["sequence", "group", "time"] | None = None
    split_label: str | None = None
    split_groups: list[str | int | float | bool] | None = None
    split_gap: int | None = Field(default=None, ge=0)
    split_seed: int = 0

    def parts(self) -> tuple[Store, Store]:
        """The training part and the held-out part; both are the whole where nothing is held out."""
        from sparsetime.activations.store.open_store import open_store
        from sparsetime.activations.store.split import split

        whole = open_store(self.store, cache=self.cache, cache_size=self.cache_size)
        if self.held_out == 0:
            return whole, whole
        return split(
            whole,
            self.split_by,
            label=self.split_label,
            groups=self.split_groups,
            held_out=self.held_out,
            gap=self.split_gap,
            seed=self.split_seed,
        )


class DictionarySection(Settings):
    """A recipe by name, or `compose` with the parts of one's own; and a width.

    The other keys are the recipe's own settings, or those of `sparsetime.compose`. `seed` is of the
    weights; None takes the seed of the training.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    recipe: str | None = None
    compose: dict[str, Any] | None = None
    width: PositiveInt
    seed: int | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> DictionarySection:
        if (self.recipe is None) == (self.compose is None):
            raise ValueError("give either recipe, a name that `recipes` lists, or compose, parts")
        if self.compose is not None and self.model_extra:
            raise ValueError(
                f"{', '.join(self.model_extra)} beside compose: settings of a part belong to the "
                "part, such as sparsifier: {kind: top_k, k: 32}"
            )
        if "d_in" in {**(self.model_extra or {}), **(self.compose or {})}:
            raise ValueError(
                "leave out d_in: it is the width of the store's activations, and is taken from it"
            )
        return self

    def build(self, d_in: int, seed: int) -> Dictionary:
        """The dictionary, fresh; `seed` counts where the section has none."""
        from sparsetime import compose, dictionary
        from sparsetime.component_settings import check_names

        seed = seed if self.seed is None else self.seed
        sizes = {"d_in": d_in, "width": self.width, "seed": seed}
        if self.recipe is not None:
            return dictionary(self.recipe, **sizes, **(self.model_extra or {}))
        parts = {**sizes, **(self.compose or {})}
        check_names("compose", compose, parts)
        return compose(**parts)


class TrainSection(StoreView, TrainConfig):
    """What `sparsetime train` learns from, what it builds, and how long it learns.

    Under torchrun, `row_groups` divide the rows of a batch, and the processes of each group divide
    the latents. `process_timeout`: seconds after which a process that does not answer is lost.
    `logger` gets the metrics too: tensorboard (in the run's folder), or wandb, whose project and
    mode are those of its environment variables WANDB_PROJECT and WANDB_MODE.
    """

    dictionary: DictionarySection
    out: str
    force: bool = False
    row_groups: PositiveInt = 1
    process_timeout: PositiveFloat = 600.0
    logger: Literal["tensorboard", "wandb"] | None = None

    def training_logger(self) -> TrainingLogger | None:
        """The logger that the section names."""
        from sparsetime.training.loggers.tensorboard import TensorBoardLogger
        from sparsetime.training.loggers.wandb import WandbLogger

        match self.logger:
            case "tensorboard":
                return TensorBoardLogger()
            case "wandb":
                return WandbLogger()
        return None

    def training(self) -> dict[str, Any]:
        """The settings of the training loop itself."""
        return {name: getattr(self, name) for name in TrainConfig.model_fields}


class EvaluateSection(StoreView, ExcludedSteps):
    """The dictionary and the documents of `sparsetime evaluate`.

    `metrics` are metrics or families; `model` is the store's model, named as `capture.model` is.
    `by` is a label of sequences, such as the subject, for whose values metrics are shown apart.
    Without any key of steps to leave out, those that the dictionary's training left out are.
    """

    dictionary: str
    by: str | None = None
    metrics: list[str] | None = None
    out: str | None = None
    model: str | None = None


class IndexSection(StoreView):
    """Which dictionary `sparsetime index` indexes, on which store.

    Where `held_out` is above 0 it is the held-out part, as the training with the same keys left it.
    """

    held_out: float = Field(default=0.0, ge=0, lt=1)
    dictionary: str
    out: str | None = None
    force: bool = False


class LabelSection(Settings):
    """Which labels of a store `sparsetime label` associates with the features of an index.

    `model` is the store's model, of which an untrained copy is scored beside the features; it reads
    `data`, or what the store keeps. `baselines` are other stores or indexes of the same recordings,
    by name.
    """

    index: str
    store: str
    labels: list[str] | None = None
    numeric: list[str] = Field(default_factory=list)
    model: str | None = None
    data: list[str] | None = None
    read: dict[str, Any] = Field(default_factory=dict)
    baselines: dict[str, str] = Field(default_factory=dict)
    draws: int = Field(default=200, ge=20)
    seed: int = 0


class ExplainSection(Settings):
    """Which features of an index `sparsetime explain` explains, and what rules may read."""

    index: str
    store: str
    features: list[int] | None = None
    labels: list[str] | None = None
    moments: int = Field(default=400, ge=20)
    url: str | None = None
    language_model: str | None = None
    key_variable: str | None = None  # of the environment, never the key itself
    budget: int | None = Field(default=None, ge=1)
    seed: int = 0


class MonitorSection(Settings):
    """Alarms that `sparsetime monitor` sets on a held-out store, and recordings to watch with them.

    `alarms` are features, lists of them, or names in `index`, by name; `events` the types of events
    that they are to find. `data` and `model` are recordings to watch and the model that reads them.
    """

    dictionary: str
    store: str
    alarms: dict[str, int | list[int] | str]
    out: str
    events: dict[str, str] | None = None
    false_alarms: PositiveFloat = 1.0
    training: str | None = None
    index: str | None = None
    hold: float = Field(default=1.0, ge=0)
    late: float = Field(default=0.0, ge=0)
    drift_window: PositiveFloat = 60.0
    split_by: Literal["sequence", "group", "time"] | None = None
    split_label: str | None = None
    seed: int = 0
    model: str | None = None
    data: list[str] | None = None
    read: dict[str, Any] = Field(default_factory=dict)


class PerieventSection(Settings):
    """Around which events `sparsetime perievent` averages the features of an index.

    Without `label` the events are those of the store; with it, the changes of this label of steps.
    """

    index: str
    store: str
    label: str | None = None
    before: PositiveInt = 32
    after: PositiveInt = 64
    draws: int = Field(default=200, ge=20)
    seed: int = 0


class CompareSection(Settings):
    """Which two values of a label of recordings `sparsetime compare` compares."""

    index: str
    store: str
    label: str
    values: list[str] = Field(min_length=2, max_length=2)
    within: str | None = None
    draws: int = Field(default=1000, ge=20)
    seed: int = 0
