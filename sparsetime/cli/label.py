"""sparsetime label: associate features with the labels of a store, and name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sparsetime.cli.app import app
from sparsetime.cli.model_argument import named_model
from sparsetime.cli.model_on_data import documents_of
from sparsetime.cli.options import (
    SHOWN,
    Config,
    Data,
    Draws,
    IndexOption,
    Model,
    Seed,
    Sets,
    StoreOption,
    given,
    named_texts,
    say,
    say_rest,
    stdout,
    table,
)
from sparsetime.config import read_config

if TYPE_CHECKING:
    from sparsetime.activations.store.store import Store
    from sparsetime.features.index import FeatureIndex


@app.command()
def label(
    config: Config = None,
    index: IndexOption = None,
    store: StoreOption = None,
    label: Annotated[
        list[str] | None, typer.Option(help="A label; all without it. Repeatable.")
    ] = None,
    numeric: Annotated[
        list[str] | None,
        typer.Option(help="A label of whole numbers to bin, not to take as categories."),
    ] = None,
    model: Model = None,
    data: Data = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help="A store or index of the same recordings to score beside. Repeatable.",
        ),
    ] = None,
    draws: Draws = None,
    seed: Seed = None,
    sets: Sets = None,
) -> None:
    """Score features as detectors of labels, and name each by its best label.

    Label and threshold are chosen on half of the recordings, every number is from the other half.
    Beside each feature stand the best dimension of the activations and of the input, where the
    store keeps it (capture --keep-input), and with --model, the store's model, of an untrained copy
    of it, on --data or on what the store keeps.

    \b
    Examples:
      sparsetime label --index runs/x/topk/features --store runs/x/activations
      sparsetime label --index runs/x/topk/features --store runs/x/activations \\
        --label note --model my_model.py:build
    """
    from sparsetime import label_features, open_index, open_store
    from sparsetime.cli.run_file import LabelSection

    flags = given(
        sets, index=index, store=store, labels=label, numeric=numeric, model=model, data=data,
        baselines=named_texts(baseline, "--baseline"), draws=draws, seed=seed,
    )  # fmt: skip
    chosen = read_config(config, LabelSection, flags, section="label")
    documents: Any = chosen.data
    if chosen.model is not None and chosen.data is not None:
        documents = documents_of(chosen.data, chosen.read)
    features, source = open_index(chosen.index), open_store(chosen.store)
    scores = label_features(
        features,
        source,
        chosen.labels,
        numeric=chosen.numeric,
        model=None if chosen.model is None else named_model(chosen.model),
        data=documents,
        baselines={name: _opened(path) for name, path in chosen.baselines.items()},
        draws=chosen.draws,
        seed=chosen.seed,
    )
    columns = ["label_name", "label_precision", "label_recall", "label_auroc"]
    baselines = scores.about["baselines"]
    columns += [f"label_{name}_auroc" for name in baselines]
    rows = features.tables["labels"].table.select(["feature", *columns, "label_q"]).to_pylist()
    named = [row for row in rows if row["label_name"] is not None]
    named.sort(key=lambda row: -row["label_precision"] * row["label_recall"])
    others = [f"AUROC {name}" for name in baselines]
    shown = table("feature", "name", "precision", "recall", "AUROC", *others, "q")
    for row in named[:SHOWN]:
        numbers = ["" if row[name] is None else f"{row[name]:.2f}" for name in columns[1:]]
        shown.add_row(str(row["feature"]), row["label_name"], *numbers, f"{row['label_q']:.2g}")
    stdout().print(shown)
    say_rest(len(named))
    say(f"{scores.about['halves']}; measured on: {scores.about['measured_on']}")
    if reason := scores.about.get("no_input"):
        say(f"not scored beside the input: {reason}")
    if chosen.model is None:
        say(
            "not scored beside an untrained copy of the model: give the store's model, such as "
            f"--model {source.model_name}"
        )
    say(f"{chosen.index}: {len(named):,} of {len(rows):,} features named by a label")


def _opened(path: str) -> Store | FeatureIndex:
    from sparsetime import open_index, open_store
    from sparsetime.features.index_files import RECORD
    from sparsetime.files import Folder

    return open_index(path) if Folder(path).exists(RECORD) else open_store(path)
