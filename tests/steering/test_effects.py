"""Effects by lag, on models whose responses are known in closed form."""

import json
import math

import numpy as np
import pytest
import torch
from steered_models import language_model, small_dictionary
from torch import nn

import sparsetime as st
from sparsetime import seeds
from sparsetime.errors import ConfigError, DataError, UnknownNameError
from sparsetime.files import Folder

KEPT = 0.8
LAGS, HOLD = 10, 4


class Leaky(nn.Module):
    """y_t = 0.8 y_{t-1} + x_t, with the site `enter` in front of it."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Identity()
        self.leave = nn.Identity()

    def forward(self, x):
        y = torch.zeros_like(x[:, 0])
        out = []
        for row in self.enter(x).unbind(1):
            y = KEPT * y + row
            out.append(y)
        return self.leave(torch.stack(out, 1))


@pytest.fixture(scope="module")
def rows():
    generator = seeds.torch_generator(0, "random inputs")
    return torch.randn(6, 60, 16, generator=generator)


@pytest.fixture(scope="module")
def sae():
    return small_dictionary("topk", 1, 2.0, k=6)


@pytest.fixture(scope="module")
def found(rows, sae):
    return st.effects(
        Leaky(), {"enter": sae}, {3: 1.5}, rows, lags=LAGS, hold=HOLD, null=4, at=9,
        watch={"leave": small_dictionary("topk", 1, 2.0, k=6)}, progress=False,
    )  # fmt: skip


def _in_closed_form(kind):
    """The squared change of one component: strength 1.5 adds a vector of norm 1.5 x spread."""
    added = (1.5 * 2.0) ** 2 / 16
    lags = np.arange(LAGS + 1)
    held = (1 - KEPT ** (lags + 1)) / (1 - KEPT)
    sums = {
        "impulse": KEPT**lags,
        "step": held,
        "release": KEPT ** (lags + 1) * (1 - KEPT**HOLD) / (1 - KEPT),
    }
    return added * sums[kind] ** 2


@pytest.mark.parametrize("kind", ["impulse", "step", "release"])
def test_responses_are_those_of_the_equation(kind, found):
    response = found.responses[kind]
    expected = _in_closed_form(kind)
    np.testing.assert_allclose(response.divergence.mean, expected, rtol=1e-4)
    # A linear model answers to the norm alone, so equal norms have equal effects.
    null = response.divergence.null
    assert len(null) >= 2
    np.testing.assert_allclose(null, np.tile(expected, (len(null), 1)), rtol=1e-4)
    assert response.divergence.rank(0) in [i / (len(null) + 1) for i in range(1, len(null) + 2)]
    assert np.all(response.divergence.low <= response.divergence.mean + 1e-9)


def test_half_lives(found):
    # r(l) falls by 0.64 a lag: 1, .64, .41, so half lies between lags 1 and 2 behind the first.
    crossing = 1 + (0.64 - 0.5) / (0.64 - 0.64**2)
    for kind in ("impulse", "release"):
        half = found.responses[kind].half_life
        assert math.isclose(half.value, crossing, rel_tol=1e-3)
        assert math.isclose(half.null, crossing, rel_tol=1e-3)
        assert half.interval is not None
        assert not half.details["censored"]
    step = found.responses["step"].half_life
    assert step.details["censored"]
    assert step.value == LAGS


def test_features_that_move(found):
    release = found.responses["release"]
    # The edited site is read before the edit, and does not depend on the steps before.
    assert not release.feature.mean.any()
    moved = {site for site, _ in release.moved}
    assert moved == {"leave"}
    site, feature = next(iter(release.moved))
    assert (site, feature) == ("leave", 3)  # the same atoms: what was pushed is what moves
    assert release.moved[site, feature][0] > release.moved[site, feature][-1] > 0


def test_edits_of_several_sites_act_together(rows, sae, tmp_path):
    made = st.effects(
        Leaky(), {"enter": sae, "leave": sae}, {"enter": {3: 1.5}, "leave": {3: [0.5]}}, rows,
        lags=4, hold=2, null=3, at=9, kinds=["impulse"], progress=False, out=tmp_path,
    )  # fmt: skip
    response = made.responses["impulse"]
    change = 1.5 * 2.0 * KEPT ** np.arange(5)
    change[0] += 0.5 * 2.0  # behind the model's memory, so of its own step alone
    np.testing.assert_allclose(response.divergence.mean, change**2 / 16, rtol=1e-4)
    # Random features have other directions at the two sites, so at lag 0 they add up to less.
    null = response.divergence.null
    np.testing.assert_allclose(null[:, 1:], np.tile(change[1:] ** 2 / 16, (3, 1)), rtol=1e-4)
    assert np.all(null[:, 0] < change[0] ** 2 / 16)
    assert made.settings["edits"] == {"enter: 3": [["add", 1.5]], "leave: 3": [["add", 0.5]]}
    assert [set(one) for one in made.settings["null"]] == [{"enter", "leave"}] * 3
    # The site behind is read before its own edit, and moves by what the first site's edit brings.
    assert response.moved["leave", 3][0] > 1
    assert [p.name for p in (tmp_path / "effects").glob("*.json")] == ["3-at-2-sites.json"]


def test_a_transcoder_is_read_at_one_site_and_edited_at_another(rows):
    transcoder = small_dictionary("skip_transcoder", 1, 2.0, d_out=16, k=6)
    made = st.effects(
        Leaky(), {"enter -> leave": transcoder}, {3: st.edits.ablate()}, rows, lags=4, hold=2,
        null=2, kinds=["impulse"], before=3, progress=False,
    )  # fmt: skip
    activation = transcoder.encode(rows[:, :42]).dense()[..., 3].numpy()
    begins, has_onset = _onsets(activation, 42)
    value = activation[np.arange(6), begins][has_onset]
    assert made.site == "leave" and made.windows == has_onset.sum() > 2
    written = np.linalg.norm(transcoder.atoms[3].detach() * transcoder.output_normalisation.scale)
    lost = (value * written) ** 2 / 16
    divergence = made.responses["impulse"].divergence
    assert divergence.mean[0] == pytest.approx(lost.mean(), rel=1e-4)
    np.testing.assert_allclose(divergence.mean[1:], 0, atol=1e-10)
    assert not made.responses["impulse"].feature.mean.any()  # its input is not edited


def test_what_a_transcoder_encodes_is_read_behind_the_edit_there(rows, sae):
    transcoder = small_dictionary("transcoder", 1, 2.0, d_out=16, k=6)
    made = st.effects(
        Leaky(), {"enter": sae}, {3: 4.0}, rows, lags=2, hold=2, null=0, at=9, kinds=["impulse"],
        watch={"enter -> leave": transcoder}, progress=False,
    )  # fmt: skip
    assert {site for site, _ in made.responses["impulse"].moved} == {"leave"}


def _onsets(activation, time):
    is_active = activation != 0
    onset = is_active[:, 1:] & ~is_active[:, :-1]
    onset[:, :2], onset[:, time - 7 :] = False, False
    return onset.argmax(1) + 1, onset.any(1)


def test_onsets(rows, sae):
    made = st.effects(
        Leaky(), {"enter": sae}, {3: st.edits.ablate()}, rows, lags=4, hold=2, null=0,
        kinds=["impulse"], before=3, progress=False,
    )  # fmt: skip
    activation = sae.encode(rows[:, :42]).dense()[..., 3].numpy()
    begins, has_onset = _onsets(activation, 42)
    assert made.windows == has_onset.sum() > 2
    value = activation[np.arange(6), begins][has_onset]
    lost = (value * 2.0) ** 2 / 16
    assert math.isclose(made.responses["impulse"].divergence.mean[0], lost.mean(), rel_tol=1e-4)
    assert made.responses["impulse"].divergence.null_band is None


def test_the_record_is_saved(found, tmp_path):
    found.save(tmp_path)
    read = Folder(str(tmp_path)).read_json("effects/3.json", 1)
    assert read == json.loads(json.dumps(found.to_record()))
    assert [one["kind"] for one in read["responses"]] == ["impulse", "step", "release"]
    assert read["settings"]["edits"] == {"3": [["add", 1.5]]}
    assert read["divergence_is"] == "mean squared change"


@pytest.fixture(scope="module")
def texts():
    rng = seeds.numpy_generator(0, "random tokens")
    return torch.from_numpy(rng.integers(0, 50, (4, 24)))


def test_a_language_model_and_its_echo(texts):
    sae = small_dictionary("topk", 1, 0.1, k=6)

    def measured(strength):
        return st.effects(
            language_model(), {"model.layers.0": sae}, {3: strength}, texts, lags=3, hold=2,
            before=2, at=5, null=2, echo=True, progress=False, kinds=["impulse", "release"],
        )  # fmt: skip

    still, pushed = measured(0.0), measured(60.0)
    assert pushed.divergence_is == "KL in nats"
    for echo in (still.echo, pushed.echo):
        for curve in (echo.total, echo.carried, echo.words):
            assert np.all(curve.mean > -1e-6)
    # Nothing is added: both texts are the same, and nothing is carried.
    assert max(np.abs(c.mean).max() for c in (still.echo.total, still.echo.carried)) < 1e-6
    assert still.echo.latching.value == 0
    assert pushed.echo.carried.mean[0] > 5e-6
    assert pushed.responses["impulse"].divergence.mean[0] > 5e-6
    assert pushed.to_record()["echo"]["carried"]["mean"][0] > 5e-6


@pytest.fixture(scope="module")
def store(texts, tmp_path_factory):
    documents = [st.Document(f"text {i}", tokens=row.tolist()) for i, row in enumerate(texts)]
    out = tmp_path_factory.mktemp("store")
    return st.capture(
        language_model().model, documents, site="model.layers.0", out=out, progress=False
    )


def test_means_of_an_ablation_are_those_of_the_store(store):
    sae = small_dictionary("topk", 1, 0.1, k=6)
    mean = float(np.mean([sae.encode(x).dense()[..., 3].numpy() for x in store.read(0, 96)]))

    def measured(edit):
        return st.effects(
            language_model(), {"model.layers.0": sae}, {3: edit}, store, lags=3, hold=2, at=5,
            null=0, kinds=["impulse"], units="activation", progress=False,
        ).responses["impulse"].divergence.mean  # fmt: skip

    by_mean = measured(st.edits.ablate("mean"))
    np.testing.assert_allclose(by_mean, measured(st.edits.set(mean)), rtol=1e-4, atol=1e-9)
    assert by_mean[0] > 0


def test_a_store_whose_documents_are_too_short_or_hold_no_tokens(store, rows, sae, tmp_path):
    given = {"model.layers.0": sae}
    words = r"no held-out document of .* has 35 tokens, the longest has 24; .*lags= or hold=, at="
    with pytest.raises(DataError, match=words):
        st.effects(language_model(), given, {3: 1.0}, store, lags=20, hold=4, at=10)
    series = [st.Document("a", values=rows[0].numpy())]
    other = st.capture(Leaky(), series, site="enter", out=tmp_path / "series", progress=False)
    with pytest.raises(DataError, match=r"holds no tokens.*give the inputs as \[windows, time"):
        st.effects(Leaky(), {"enter": sae}, {3: 1.0}, other)


def test_what_is_refused(rows, sae):
    given = {"enter": sae}
    with pytest.raises(ConfigError, match="at least 2 lags"):
        st.effects(Leaky(), given, {3: 1.0}, rows, lags=1)
    with pytest.raises(ConfigError, match="some of impulse, step, release"):
        st.effects(Leaky(), given, {3: 1.0}, rows, kinds=["pulse"])
    with pytest.raises(ConfigError, match="does not write"):
        st.effects(Leaky(), given, {3: 1.0}, rows, echo=True)
    with pytest.raises(ConfigError, match="span of its own"):
        edit = st.edits.add(1.0).over(st.spans.steps())
        st.effects(Leaky(), given, {3: edit}, rows, lags=4, hold=2)
    for at in (-1, "onsets"):
        with pytest.raises(ConfigError, match=f"got at={at!r}, expected 'onset' or a step from 0"):
            st.effects(Leaky(), given, {3: 1.0}, None, lags=4, hold=2, at=at)
    with pytest.raises(ConfigError, match="without a sample; give data=, a store"):
        st.effects(Leaky(), given, {3: st.edits.ablate("mean")}, rows[:, :20])
    with pytest.raises(DataError, match=r"got data of shape \[6, 20, 16\]"):
        st.effects(Leaky(), given, {3: 1.0}, rows[:, :20])
    with pytest.raises(DataError, match=r"got texts of at most 3 tokens.*smaller lags= or hold="):
        st.effects(language_model(), {"model.layers.0": sae}, {3: 1.0}, ["ABC"])
    with pytest.raises(ConfigError, match=r"got 55 tokens for Llama.*at most 32 at once; .* lags="):
        st.effects(language_model(), {"model.layers.0": sae}, {3: 1.0}, ["BCDE" * 20], at=6)
    with pytest.raises(DataError, match="windows without an onset of feature 3"):
        st.effects(Leaky(), given, {3: 1.0}, torch.zeros(2, 60, 16), lags=4, hold=2)
    with pytest.raises(ConfigError, match="by site and edits without sites, expected edits by si"):
        st.effects(Leaky(), {**given, "leave": sae}, {3: 1.0}, rows)
    with pytest.raises(ConfigError, match="got no edits, expected at least one, whose effect"):
        st.effects(Leaky(), given, {}, rows)
    with pytest.raises(UnknownNameError, match="unknown site of the edits 'left'"):
        st.effects(Leaky(), given, {"left": {3: 1.0}}, rows)
