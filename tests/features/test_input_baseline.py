"""Numbers of the kept input of rows, beside which features are scored."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

import sparsetime as st
from sparsetime.features.labels.input_baseline import MOST_NUMBERS, input_numbers


def captured(model, documents, site, out, **settings):
    settings = {"keep_input": True, "progress": False, **settings}
    return st.capture(model, documents, site, out, **settings)


def test_rows_of_a_sound_are_its_mean_and_loudness(tmp_path):
    rng = np.random.default_rng(0)
    waves = [rng.normal(size=n).astype("float32") for n in (400, 330)]
    rate = st.Recording(rate=100.0)
    documents = [st.Document(f"{n}", values=w, recording=rate) for n, w in enumerate(waves)]
    store = captured(nn.Sequential(nn.Conv1d(1, 4, 10, 10)), documents, "0", tmp_path / "s")
    rows = np.array([3, 7, 39, 40, 41, 72])  # forty of the first recording
    spans = [waves[0][10 * row : 10 * row + 10] for row in rows[:3]]
    spans += [waves[1][10 * row : 10 * row + 10] for row in (0, 1, 32)]
    expected = [[span.mean(), span.std()] for span in spans]
    np.testing.assert_allclose(input_numbers(store)(rows), expected, rtol=1e-4, atol=1e-6)


def test_steps_of_a_series_are_as_they_are_and_tokens_are_one_of_an_alphabet(tmp_path):
    values = np.random.default_rng(0).normal(size=(30, 3)).astype("float32")
    store = captured(nn.Sequential(nn.Linear(3, 4)), [values], "0", tmp_path / "series")
    np.testing.assert_allclose(input_numbers(store)(np.array([0, 29])), values[[0, 29]], rtol=1e-6)
    tokens = torch.tensor([1, 3, 1, 2])
    store = captured(nn.Sequential(nn.Embedding(9, 4)), [tokens], "0", tmp_path / "tokens")
    shown = input_numbers(store)(np.arange(4))
    np.testing.assert_array_equal(shown, np.eye(3)[[0, 2, 0, 1]])


def test_large_frames_are_averaged_over_blocks(tmp_path):
    frames = np.zeros((4, 32, 32, 3), np.uint8)
    frames[2, 6, 9] = (200, 100, 0)
    model = nn.Sequential(nn.Flatten(2), nn.Linear(32 * 32 * 3, 4))
    model.forward = lambda x: nn.Sequential.forward(model, x.float())
    store = captured(model, [frames], "1", tmp_path / "frames", input_layout="b t h w c")
    shown = input_numbers(store)(np.arange(4)).reshape(4, 16, 16, 3)
    assert shown[2, 3, 4].tolist() == [50, 25, 0] and shown.sum() == 75


def test_why_there_are_no_numbers_is_said(tmp_path):
    values = torch.zeros(20, MOST_NUMBERS + 1)
    model = nn.Sequential(nn.Linear(MOST_NUMBERS + 1, 2))
    wide = captured(model, [values], "0", tmp_path / "wide")
    assert input_numbers(wide) == "a step of the input has 1,025 numbers, more than 1,024"
    bare = captured(model, [values], "0", tmp_path / "bare", keep_input=False)
    assert "keeps no inputs (sparsetime capture --keep-input)" in input_numbers(bare)
    file = tmp_path / "x.npy"
    np.save(file, np.zeros((20, 3), np.float32))
    store = captured(nn.Sequential(nn.Linear(3, 2)), st.read(str(file)), "0", tmp_path / "file")
    file.unlink()
    assert "x.npy" in input_numbers(store)
