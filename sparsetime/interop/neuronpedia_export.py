"""An index in the form of Neuronpedia's exports, which its admin panel imports."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from sparsetime.activations.store.store import Store
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError, MismatchError
from sparsetime.features.arrow_numpy import to_numpy
from sparsetime.features.dictionary_codes import DictionaryCodes
from sparsetime.features.index import FeatureIndex
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url
from sparsetime.files.other_files import check_no_other_files
from sparsetime.interop.neuronpedia_records import (
    ActivationRows,
    SourceKeys,
    atom_columns,
    atom_logits,
    feature_statistics,
    logit_columns,
)
from sparsetime.interop.neuronpedia_sources import source_rows
from sparsetime.models.load import LoadedModel
from sparsetime.models.unembedding import unembedding_weight
from sparsetime.progress import progress as running

_BATCH = 1024  # features of a file, as Neuronpedia's own exports have


@locks("out")
def write_neuronpedia_export(
    index: FeatureIndex,
    store: Store,
    out: str | os.PathLike[str],
    *,
    model_id: str,
    layer: int,
    source_set: str,
    creator: str,
    creator_id: str,
    dictionary: Dictionary | None = None,
    model: LoadedModel | None = None,
    data: str = "",
    examples: int = 20,
    around: int = 32,
    progress: bool = True,
    force: bool = False,
) -> str:
    """Write features, activating examples and names of an index as Neuronpedia's export; returns
    the folder `out/MODEL/LAYER-SOURCE_SET`.

    It holds `model.jsonl`, `release.jsonl`, `sourceset.jsonl`, `source.jsonl`, and in `features`,
    `activations` and `explanations` (where features have names) batches of 1,024 features as
    gzipped lines of JSON. Columns are those of Neuronpedia's database (August 2026).

    store: what was indexed. model_id, source_set: names on Neuronpedia, of letters, digits, "-"
    and "_". creator_id: id of the user who owns the rows in the database that imports them.
    dictionary: the indexed one; its atoms become vectors to steer with, and activation values are
    in units of raw activations, as in other libraries. model: adds the tokens that atoms raise and
    lower. data: the data set's name. examples, around: examples a feature, and tokens on either
    side.

    Errors: ConfigError for a name that is none; MismatchError for another dictionary or store than
    the indexed one, and for a model whose unembedding reads other dimensions; StoreError where
    `out` is not empty and `force` is not given.
    """
    for name, value in (("model_id", model_id), ("source_set", source_set)):
        if not value or not value.replace("-", "").replace("_", "").isalnum():
            raise ConfigError(f'got {name}={value!r}, expected letters, digits, "-" and "_"')
    if dictionary is not None:
        indexed = index.record["subject"]["dictionary"]
        if DictionaryCodes(dictionary).fingerprint != indexed:
            raise MismatchError(
                f"got another dictionary than the one that {index.path} was made of; give that one"
            )
    columns = _DictionaryColumns(dictionary, model, layer)
    source = f"{layer}-{source_set}"
    folder = Folder(folder_url(out)) / model_id / source
    if not force:
        check_no_other_files(folder)
    keys = SourceKeys(model_id, source, creator_id, datetime.now(UTC).isoformat())
    for name, row in source_rows(keys, source_set, creator, data, store, model).items():
        folder.write_bytes(f"{name}.jsonl", _lines([row]))
    rows = ActivationRows(index, store, examples, around, columns.scale)
    values = to_numpy(index.activations, "value") * columns.scale
    ends = np.append(0, np.cumsum(to_numpy(index.features, "count")))
    density, names = to_numpy(index.features, "density"), _names(index)
    with running("write the export", float(index.width), "features", progress) as bar:
        for number, first in enumerate(range(0, index.width, _BATCH)):
            batch = range(first, min(first + _BATCH, index.width))
            features, activations, explanations = [], [], []
            for feature, examples_of in rows.of(batch).items():
                own = keys.of_feature(feature)
                own_values = values[ends[feature] : ends[feature + 1]]
                known = feature_statistics(own_values, float(density[feature]))
                more = columns.of(feature, known["maxActApprox"])
                features.append({**own, "sourceSetName": source_set, **known, **more})
                for rank, row in enumerate(examples_of):
                    activations.append(
                        {"id": keys.row_id("activation", feature, rank), **own, **row}
                    )
                if names[feature]:
                    explanations.append(keys.explanation(feature, str(names[feature])))
            written = {
                "features": features,
                "activations": activations,
                "explanations": explanations,
            }
            for kind, lines in written.items():
                if lines:
                    folder.write_bytes(f"{kind}/batch-{number}.jsonl.gz", _packed(lines))
            bar.advance(len(batch))
    return folder.url


class _DictionaryColumns:
    """What a feature's row has of the dictionary and the model, where they are given."""

    def __init__(
        self, dictionary: Dictionary | None, model: LoadedModel | None, layer: int
    ) -> None:
        self.scale = 1.0
        self._atoms = self._unembedding = None
        self._hook: str | None = None
        if dictionary is None:
            return
        self.scale = float(dictionary.output_normalisation.scale)
        self._atoms = dictionary.atoms.detach().float().cpu()
        self._hook = _hook(dictionary.provenance, layer)
        if model is None:
            return
        self._unembedding = unembedding_weight(model.model)
        read = None if self._unembedding is None else self._unembedding.shape[1]
        if read != dictionary.d_out:
            raise MismatchError(
                f"got atoms of {dictionary.d_out} dimensions, and the unembedding of "
                f"{model.name!r} reads {read}; leave out model= where features do not write to the "
                "residual stream"
            )
        self._tokenizer = model.tokenizer

    def of(self, feature: int, largest: float) -> dict[str, Any]:
        if self._atoms is None:
            return {"hasVector": False}
        columns = atom_columns(self._atoms[feature], self._hook, largest)
        if self._unembedding is not None:
            logits = atom_logits(self._unembedding, self._atoms[feature : feature + 1])[0]
            columns |= logit_columns(logits, self._token)
        return columns

    def _token(self, number: int) -> str:
        if self._tokenizer is None:
            return f"token {number}"
        return self._tokenizer.decode([number]) or f"token {number}"


def _hook(provenance: Mapping[str, Any], layer: int) -> str | None:
    """The hook to steer at: that of the provenance, or the stream behind the layer.

    None for another site than the layer's output, such as an MLP, whose hook is not known.
    """
    hook, site = provenance.get("hook"), provenance.get("site")
    if isinstance(hook, str):
        return hook
    if isinstance(site, str) and site.rpartition(".")[2] != str(layer):
        return None
    return f"blocks.{layer}.hook_resid_post"


def _names(index: FeatureIndex) -> list[str | None]:
    """The name of each feature: of the first name column, else of the first explanation."""
    names: list[str | None] = [None] * index.width
    for role in ("name", "explanation"):
        for column in index.columns.values():
            if column.role == role:
                texts = index.column(column.name).to_pylist()
                names = [known or text for known, text in zip(names, texts, strict=True)]
    return names


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in records)
    return text.encode("utf-8", "replace")


def _packed(records: Iterable[Mapping[str, Any]]) -> bytes:
    return gzip.compress(_lines(records), compresslevel=5, mtime=0)
