"""Capture: run a model over documents and store the activations of its sites, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

import torch
from torch import nn

from sparsetime.activations.annotations.table_file import TableLike
from sparsetime.activations.capture.activation_settings import ActivationSettings
from sparsetime.activations.capture.capture_data import CaptureData
from sparsetime.activations.capture.capture_options import CaptureOptions
from sparsetime.activations.capture.capture_part import CapturePart, check_part
from sparsetime.activations.capture.capture_sites import CaptureRequest, begin_captures
from sparsetime.activations.capture.document import Times
from sparsetime.activations.capture.pass_settings import PassSettings
from sparsetime.activations.capture.row_settings import RowSettings
from sparsetime.activations.capture.run_captures import run_captures
from sparsetime.activations.step_exclusion import StepExclusion
from sparsetime.activations.store.manifest import MANIFEST
from sparsetime.activations.store.store import Store
from sparsetime.errors import ConfigError, StoreError
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url
from sparsetime.models.load import LoadedModel, load_model
from sparsetime.models.row_layout import FeatureMap
from sparsetime.models.sites import resolve_site

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SHARD_ROWS = 65536


def _folder(arguments: Mapping[str, Any]) -> str:
    """The folder that a capture writes to: `out`, or that of its part in it."""
    out, part = folder_url(arguments["out"]), arguments["part"]
    return out if part is None else CapturePart.of(part).folder(out)


@overload
def capture(
    model: str | Path | nn.Module | LoadedModel,
    data: Any,
    site: str,
    out: str | Path,
    **options: Unpack[CaptureOptions],
) -> Store: ...


@overload
def capture(
    model: str | Path | nn.Module | LoadedModel,
    data: Any,
    site: list[str] | tuple[str, ...],
    out: str | Path,
    **options: Unpack[CaptureOptions],
) -> list[Store]: ...


@locks("out", _folder)
def capture(
    model: str | Path | nn.Module | LoadedModel,
    data: Any,
    site: str | Sequence[str],
    out: str | Path,
    *,
    labels: TableLike | Iterable[Mapping[str, Any]] | None = None,
    events: Any | None = None,
    times: Iterable[Times] | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    window: int | None = None,
    overlap: int = 0,
    batch: int = 32,
    dtype: str = "auto",
    time_axis: int = 1,
    rate: float | None = None,
    offset: float | None = None,
    feature_map: FeatureMap | None = None,
    input_layout: str | None = None,
    exclusion: StepExclusion | None = None,
    settings_from: Store | None = None,
    keep_input: bool = False,
    part: tuple[int, int] | None = None,
    shard_rows: int = SHARD_ROWS,
    device: str | torch.device | None = None,
    progress: bool = True,
    force: bool = False,
) -> Store | list[Store]:
    """Run `model` over `data` and store the activations of `site` in the folder `out`.

    model: a module, or a name or folder that `transformers` loads (its tokenizer comes with it).
    It runs without gradients and in evaluation mode, and is left as it was.
    data: files of recordings (a path, a folder or a glob; see `sparsetime.read`), texts, token
    arrays [time], value arrays [time, features], or `Document`s; anything that
    can be iterated, and only once; the output of a tokenizer, or a table with a column `text`.
    Texts are tokenised, and the model's special tokens are added around them but not stored;
    special tokens spelled out in a text are stored. Token arrays are fed without the padding at
    their ends, and their special tokens are not stored. Values are the module's first argument.
    Documents without any step are left out.
    site: a module's path, with ":input" for what goes in, and a name behind a dot where it takes
    several activations (":input.hidden"); several sites give a list of stores, each in its own
    folder within `out`. Sites with rows at several rates (a waveform and its frames) are captured
    in the same passes where they read the same windows; data are read once for each rate, and must
    be readable again.
    labels, times: for each document its labels, and its (start, step) in time. Labels may also be a
    table `id, label, …`. events: a table `onset, duration, trial_type` and `id`, or several; see
    `sparsetime.annotate`. Tables are checked against the headers of files before the work.
    window: what the model reads at once, in tokens (special ones included) or steps. By
    default documents of tokens are cut at what the model allows, at most 512, and values not at
    all. overlap: inputs that a window repeats from the one before as context; stored once.
    batch: full windows in one forward pass. Where a model takes no attention mask, only windows
    of one length run together, so that padding never touches an activation. The default, 32, is
    fewer where they hold more than a million numbers of input (a minute of sound); memory grows
    with it, so give a window for recordings that do not fit one at a time.
    dtype: "auto" as the model computes, or "float32", "float16", "bfloat16".
    time_axis: where time stands in the site's tensor: 1 for [batch, time, d], 0 for
    [time, batch, d], 2 for [batch, d, time] (a convolution over time). Rows at another rate than
    the input have their axis found from shapes. The store holds when each row begins and how long
    it lasts, in the documents' time; a pooled site gives one row a document or window.
    rate, offset, feature_map, input_layout: of models whose rows are not the steps of their input
    (strided convolutions, patches, frames); found from shapes on several lengths where they are not
    given. rate: rows a unit of the documents' time; offset: the time at which the first row
    begins. feature_map: "flatten" makes a row of every place of a feature map, "pool" takes their
    mean, "features" puts all into one row. input_layout: axes of the model's input, such as "b c t"
    or "(b t) c h w", where frames are the model's batch.
    exclusion: steps that the model reads and the store does not hold, such as attention sinks: the
    first ones of a window, given tokens, or a norm above a multiple of the median. That median is
    of the first shard, since data is read once; the limit is recorded, and later shards keep to it.
    Times, windows, words and step labels stay those of the whole sequence.
    settings_from: a store whose settings are used in place of those above: windows, batches, dtype,
    rows and steps left out, so that other data (or an untrained copy of the model) give rows as
    that store has them. Recordings must have its channels, units and sampling rate.
    keep_input: keep what the model was given, at its own rate, in `store.sequence(i).input`. It is
    copied, or referred to where the document names its file (`Recording.file`). Texts are kept
    anyhow.
    part: (r, R) captures the documents r, r + R, r + 2R, … alone, into `out`/parts/r: a whole
    store, which resumes and can be copied alone. R processes, on any machines, capture all parts,
    and `st.join` makes one store of them. A limit of the norm must then be given (`norm_limit`),
    since each part would measure another one.
    shard_rows: activations in one file. Two shards are in memory at a time, one being written.

    An interrupted capture resumes when called again with the same model, data and settings, and
    ends with the same bytes. A finished one is checked against the data and opened. Other content
    in `out` is refused; `force` replaces a store. All folders are checked before any is written.

    Errors: UnknownNameError for a site that does not exist; ConfigError for settings that the
    model does not allow; DataError for data that cannot be used (empty, out of range, text without
    a tokenizer, activations that are not finite: sequence and position are named); MismatchError
    where documents, or documents and model, do not fit; StoreError where `out` cannot be used.
    """
    settings = ActivationSettings(
        PassSettings(window, overlap, batch, dtype, time_axis),
        RowSettings(rate, offset, feature_map, input_layout),
        exclusion or StepExclusion(),
    ).from_store(settings_from, site)
    if shard_rows < 1:
        raise ConfigError(f"shard_rows={shard_rows} must be at least 1")
    own = None if part is None else CapturePart.of(part)
    if own is not None:
        check_part(Folder(folder_url(out)), settings.exclusion)
        out = own.folder(out)
    given = CaptureData(data, labels, events, times, has_rate=rate is not None)
    opened = given.opened(own)  # tables are checked before the model is loaded
    loaded = load_model(model, tokenizer, device)
    many_sites = not isinstance(site, str)
    if many_sites and Folder(str(out)).exists(MANIFEST):
        raise StoreError(
            f"{out} holds a store, so it cannot also hold a folder for each of several sites; "
            f"choose another folder"
        )
    request = CaptureRequest(
        loaded,
        given,
        str(out).rstrip("/") if many_sites else str(out),
        settings,
        many_sites=many_sites,
        part=own,
        shard_rows=shard_rows,
        keep_input=keep_input,
        force=force,
    )
    begun = begin_captures(request, [site] if isinstance(site, str) else list(site), opened)
    stores = run_captures(begun, progress)
    if not many_sites:
        return stores[0]
    names = [name for one in begun for name in one.names]
    return [stores[names.index(resolve_site(loaded.model, one).name)] for one in site]
