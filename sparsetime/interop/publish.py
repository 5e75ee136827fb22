"""A folder for a model hub: the dictionary, its evaluation, and a model card."""

from __future__ import annotations

import os
from typing import Any

import yaml

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.serialise import load, save
from sparsetime.errors import ConfigError
from sparsetime.files import Folder, locks
from sparsetime.files.folder_url import folder_url
from sparsetime.files.other_files import check_no_other_files
from sparsetime.interop.formats.saelens import write as write_saelens
from sparsetime.metrics.evaluation_report import RECORD
from sparsetime.registry import CARDS

CARD, SAELENS = "README.md", "saelens"


@locks("out")
def publish(
    run: str | os.PathLike[str],
    repository: str,
    out: str | os.PathLike[str],
    *,
    licence: str,
    data: str | None = None,
    force: bool = False,
) -> str:
    """Write a folder that a model hub takes, with a model card; returns it. Nothing is uploaded.

    The folder has the dictionary, the values of its last evaluation, and where SAELens can express
    it, the same in that format. Upload it with `huggingface_hub.upload_folder(repo_id=repository,
    folder_path=out)`.

    run: the folder of a training run, or of any dictionary. repository: "owner/name". licence: an
    identifier of the hub, such as "apache-2.0"; data and model may bind it. data: what the training
    data were, for the card.

    Errors: ConfigError for a repository that is no "owner/name"; those of loading; StoreError for a
    folder that is not empty.
    """
    owner, slash, name = repository.partition("/")
    if not (owner and slash and name) or "/" in name:
        raise ConfigError(f'got repository={repository!r}, expected "owner/name"')
    source, folder = Folder(folder_url(run, "run")), Folder(folder_url(out))
    if not force:
        check_no_other_files(folder)
    dictionary = load(source.url)
    save(dictionary, folder.url)
    report = source.read_json(RECORD) if source.exists(RECORD) else None
    if report is not None:
        folder.write_json(RECORD, report, int(report.get("schema_version", 1)))
    try:
        write_saelens(dictionary, folder / SAELENS)
        has_saelens = True
    except ConfigError:
        has_saelens = False  # it is more than SAELens expresses
    card = _card(dictionary, repository, licence, data, report, has_saelens)
    folder.write_bytes(CARD, card.encode())
    return folder.url


def _card(
    dictionary: Dictionary,
    repository: str,
    licence: str,
    data: str | None,
    report: dict[str, Any] | None,
    has_saelens: bool,
) -> str:
    origin = dictionary.provenance
    base = origin.get("model_name")
    front: dict[str, Any] = {
        "license": licence,
        "library_name": "sparsetime",
        "tags": ["sparse-autoencoder", "interpretability", dictionary.name],
    }
    if isinstance(base, str):
        front["base_model"] = base
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False).strip(),
        "---",
        "",
        f"# {repository}",
        "",
    ]
    lines += [_what(dictionary), "", *_where(origin, data), ""]
    lines += ["```python", "import sparsetime as st", f'sae = st.load("hf://{repository}")', "```"]
    if has_saelens:
        lines += ["", f"In the format of SAELens it is in the folder `{SAELENS}`:", ""]
        lines += ["```python", "from sae_lens import SAE"]
        lines += [f'sae = SAE.load_from_disk("{SAELENS}")', "```"]
    lines += ["", "## Evaluation", "", *_values(report), "", "## Recipe", "", *_recipe(dictionary)]
    return "\n".join(lines) + "\n"


def _what(dictionary: Dictionary) -> str:
    kind = "transcoder" if dictionary.out_dims is not None else "sparse dictionary"
    return (
        f"A {kind} of {dictionary.width:,} latents: encoder `{dictionary.encoder.kind}`, "
        f"sparsifier `{dictionary.sparsifier.kind}`, decoder `{dictionary.decoder.kind}`. It reads "
        f"{dictionary.d_in} dimensions."
    )


def _where(origin: dict[str, Any], data: str | None) -> list[str]:
    site = origin.get("site") or origin.get("hook") or "not recorded"
    return [
        f"- Model: {origin.get('model_name', 'not recorded')}",
        f"- Site: `{site}`",
        f"- Training data: {data or 'not recorded'}",
    ]


def _values(report: dict[str, Any] | None) -> list[str]:
    metrics = (report or {}).get("metrics")
    if not isinstance(metrics, dict) or not metrics:
        return ["It was not evaluated (`sparsetime evaluate`)."]
    rows = ["| metric | value | interval |", "|---|---:|---|"]
    for name, one in metrics.items():
        if not isinstance(one["value"], int | float):
            continue  # a histogram, which the file has
        low, high = one["details"].get("interval") or (None, None)
        between = "" if low is None or high is None else f"{low:.4g} to {high:.4g}"
        rows.append(f"| {name} | {one['value']:.4g} | {between} |")
    return [*rows, "", "`evaluation.json` has the definition of each, and the data."]


def _recipe(dictionary: Dictionary) -> list[str]:
    if dictionary.name not in CARDS:
        return [f"`{dictionary.name}`, of no published recipe here."]
    card = CARDS[dictionary.name]
    return [f"{card.title} (`{card.name}`): {card.idea}", "", f"Source: {card.paper}."]
