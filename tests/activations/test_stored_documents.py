"""Documents that a store keeps give the same store again."""

import numpy as np
import pytest
import torch
from torch import nn
from toy_models import bert_folder
from toy_signals import strided_convolutions, whisper

import sparsetime as st
from sparsetime.activations.capture.stored_documents import stored_documents
from sparsetime.errors import DataError


def again(store, model, out):
    return st.capture(
        *(model, stored_documents(store), store.site, out), settings_from=store, progress=False
    )


def recordings():
    for n in range(2):
        values = torch.randn(400, 1, generator=torch.Generator().manual_seed(n))
        about = st.Recording(100.0, ("pressure",), ("Pa",), "2026-03-01T09:30:00")
        yield st.Document(f"take {n}", values=values, recording=about, start=3.0)


def test_recordings_come_back_with_their_times_and_channels(tmp_path):
    model = strided_convolutions()
    store = st.capture(
        model, list(recordings()), "4", tmp_path / "1", keep_input=True, window=200, progress=False
    )
    second = again(store, model, tmp_path / "2")
    assert second.manifest.checksums == store.manifest.checksums
    kept = [name for name in store.sequences.column_names if name not in ("input", "labels")]
    assert second.sequences.select(kept).equals(store.sequences.select(kept))


def test_uneven_times_tokens_and_texts_come_back(tmp_path):
    times = np.cumsum([0.5, 1, 3, 0.25])
    data = [st.Document("a", values=torch.randn(4, 3), times=times)]
    store = st.capture(nn.Linear(3, 2), data, ".", tmp_path / "1", keep_input=True, progress=False)
    assert np.array_equal(next(stored_documents(store)).times, times)
    folder = bert_folder(tmp_path / "model")
    texts = ["a b c", "b c"]
    for name, documents, options in (
        ("texts", texts, {}),
        ("tokens", [[5, 6, 7], [6, 7]], {"keep_input": True}),
    ):
        store = st.capture(
            *(folder, documents, "encoder.layer.1", tmp_path / name), progress=False, **options
        )
        second = again(store, folder, tmp_path / f"{name} again")
        assert second.manifest.checksums == store.manifest.checksums


def test_what_is_not_kept_is_refused(tmp_path):
    store = st.capture(nn.Linear(3, 2), [torch.randn(9, 3)], ".", tmp_path / "1", progress=False)
    with pytest.raises(DataError, match="keeps neither text nor input of '0'; give the data again"):
        stored_documents(store)
    document = st.Document("a", values=torch.randn(100, 8), decoder_tokens=[1, 2, 3])
    decoder = st.capture(
        whisper(), [document], "decoder.layers.1", tmp_path / "2", input_layout="b c t",
        keep_input=True, progress=False,
    )  # fmt: skip
    with pytest.raises(DataError, match=r"the decoder's site 'decoder\.layers\.1'"):
        stored_documents(decoder)
    part, _ = st.split(store, by="time", held_out=0.3, gap=1)
    with pytest.raises(DataError, match="holds parts of sequences"):
        stored_documents(part)
