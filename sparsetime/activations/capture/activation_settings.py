"""Settings of forward passes and rows, as a user gives them or as an earlier capture had them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, final

from sparsetime.activations.capture.capture_part import CapturePart
from sparsetime.activations.capture.forward_passes import ForwardPasses
from sparsetime.activations.capture.pass_settings import PassSettings
from sparsetime.activations.capture.recording import Recording
from sparsetime.activations.capture.row_settings import FoundRows, RowSettings
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.manifest import EXCLUSION, KEEP_INPUT, OWN_TIMES, PART, ROWS
from sparsetime.errors import ConfigError, MismatchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sparsetime.activations.store.store import Store
    from sparsetime.models.load import LoadedModel

_OUT = ":output"
_PASSES = ("window", "overlap", "batch", "dtype", "time_axis")


@final
@dataclass(frozen=True)
class ActivationSettings:
    """What decides which rows a model gives of a document.

    found: the rows as an earlier capture found them, which are then not looked for again. first:
    the name of its first recording and what is known of it, with which all recordings agree.
    """

    passes: PassSettings = field(default_factory=PassSettings)
    rows: RowSettings = field(default_factory=RowSettings)
    exclusion: StepExclusion = field(default_factory=StepExclusion)
    found: FoundRows | None = None
    first: tuple[str, Recording] | None = None

    @staticmethod
    def of_store(store: Store) -> ActivationSettings:
        """The settings that a store was captured with, out of its manifest."""
        kept = store.manifest.capture
        return ActivationSettings(
            PassSettings(**{name: kept[name] for name in _PASSES if name in kept}),
            exclusion=store.manifest.exclusion,
            found=FoundRows.of_record(kept.get(ROWS, {}), store.site),
            first=_first_recording(store),
        )

    def from_store(self, store: Store | None, site: str | Sequence[str]) -> ActivationSettings:
        """The settings of `store`; these themselves where it is None.

        Errors: ConfigError where these hold settings too; MismatchError for another site.
        """
        if store is None:
            return self
        if self != ActivationSettings():
            raise ConfigError(
                "got settings_from= beside settings of windows, rows or steps to leave out, "
                "expected those of the store alone; leave one of them out"
            )
        if not isinstance(site, str) or site.removesuffix(_OUT) != store.site.removesuffix(_OUT):
            raise MismatchError(
                f"got the site {site!r} and settings_from= a store of {store.site!r}, expected one "
                "site; capture at the site of the store"
            )
        return ActivationSettings.of_store(store)

    def forward_passes(self, loaded: LoadedModel, site: str | Sequence[str]) -> ForwardPasses:
        """Passes of a model with these settings. Errors: those of `ForwardPasses`."""
        passes = ForwardPasses(loaded, site, self.passes, self.rows, self.first)
        if self.found is not None:
            passes.use(self.found)
        return passes


def _first_recording(store: Store) -> tuple[str, Recording] | None:
    """The first sequence's name and what is recorded of it; None where nothing is."""
    described = store.sequence(0).input if store.sequences.num_rows else None
    if described is None:
        return None
    recording = Recording(described.rate, described.channels, described.channel_units)
    name = f"{store.sequence(0).id} of {store.path}"
    return (name, recording) if recording.describes else None


def capture_record(
    settings: ActivationSettings,
    passes: ForwardPasses,
    shard_rows: int,
    part: CapturePart | None,
    keep_input: bool,
) -> dict[str, Any]:
    """What decides the bytes of a store, as JSON values of its manifest; the rows apart."""
    record = asdict(settings.passes) | {
        "shard_rows": shard_rows,
        "tokenizer": _tokenizer_hash(passes.loaded.tokenizer),
    }
    if part is not None:
        record[PART] = part
    if passes.own_times:
        record[OWN_TIMES] = True
    if keep_input:
        record[KEEP_INPUT] = True
    if settings.exclusion:
        record[EXCLUSION] = settings.exclusion.to_config()
    return record


def _tokenizer_hash(tokenizer: Any) -> str | None:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return None if tokenizer is None else type(tokenizer).__name__
    return hashlib.sha256(backend.to_str().encode()).hexdigest()
