"""A dictionary's identity changes with all that decides its codes, over every recipe."""

import copy

import pytest
import torch
from planted import planted
from small_batches import small_batch
from small_recipes import CARDS, small

import sparsetime as st
from sparsetime.dictionaries import init_from_data, reset_parameters
from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.dictionary_hash import dictionary_hash, same_dictionary
from sparsetime.dictionaries.serialise import from_config
from sparsetime.errors import SparsetimeError, StoreError
from sparsetime.models import weight_hash

SHAPES = {"d_in", "d_out", "width", "in_dims", "out_dims", "heads", "groups"}


@pytest.fixture(scope="module", params=CARDS)
def sae(request):
    made = small(request.param)
    init_from_data(made, small_batch(made, rows=128))
    return made.eval()


def components(sae):
    """The components that compute codes and reconstructions, also those within others."""
    objective = set(sae.objective.modules())
    return {
        path: module
        for path, module in sae.named_modules()
        if isinstance(module, Component) and module not in objective
    }


def other_values(value):
    """Values of a setting that are unlike the present one, if it is a number or a switch."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value - 1, value + 1]
    return [value + 0.25] if isinstance(value, float) else []


def test_the_identity_is_of_what_computes(sae, tmp_path):
    identity = dictionary_hash(sae)
    sae.save(tmp_path)
    assert dictionary_hash(st.load(tmp_path)) == identity
    twin = copy.deepcopy(sae)
    twin.name, twin.provenance = "other", {"site": "other"}
    assert dictionary_hash(twin) == identity
    # Files of 0.1.0 hold the hash of the weights alone.
    assert same_dictionary(weight_hash(sae), identity)
    reset_parameters(twin, seed=7)
    if twin.decoder.from_data:  # its weights are rows of data, and not random
        return
    assert not same_dictionary(dictionary_hash(twin), identity)


def test_every_setting_that_changes_codes_changes_the_identity(sae):
    x = planted(60, seed=3).reshape(3, 20, 16)
    identity, before = dictionary_hash(sae), sae.encode(x).dense()
    for path, component in components(sae).items():
        for name, value in component.current_settings().items():
            if name in SHAPES or name not in vars(component):
                continue
            for other in other_values(value):
                twin = copy.deepcopy(sae)
                setattr(twin.get_submodule(path), name, other)
                assert dictionary_hash(twin) != identity, f"{path}.{name}"
                assert weight_hash(twin) == weight_hash(sae)
                check_saved(twin, x, before, identity)


def check_saved(twin, x, before, identity):
    """What was set on a component is what its files hold."""
    try:
        after = twin.encode(x).dense()
        again = from_config(twin.to_config())
        again.load_state_dict(twin.state_dict())
    except (SparsetimeError, RuntimeError, ValueError, IndexError, TypeError):
        return  # no setting of such a dictionary
    assert dictionary_hash(again) == dictionary_hash(twin)
    if not torch.equal(after, before):
        assert not same_dictionary(dictionary_hash(again), identity)


@pytest.mark.parametrize("name", ["topk", "batch_topk", "delta", "hysteresis"])
def test_another_k_changes_codes_and_identity(name):
    sae = small(name)
    x = planted(40, seed=3)
    twin = copy.deepcopy(sae)
    twin.sparsifier.innermost.k = 2
    again = from_config(twin.to_config())
    again.load_state_dict(twin.state_dict())
    assert again.sparsifier.innermost.k == 2
    if name == "topk":  # the others' codes of inference have a threshold
        assert not torch.equal(again.encode(x).dense(), sae.encode(x).dense())
    assert not same_dictionary(dictionary_hash(again), dictionary_hash(sae))


def test_an_index_of_the_same_weights_and_another_k_is_not_returned(tmp_path):
    x = planted(120, seed=3, sequences=6)
    four, two = (st.dictionary("topk", d_in=16, width=64, k=k) for k in (4, 2))
    assert weight_hash(four) == weight_hash(two)
    st.index(four, x, tmp_path, progress=False)
    with pytest.raises(StoreError, match="holds the feature index of another dictionary"):
        st.index(two, x, tmp_path, progress=False)
    assert st.index(four, x, tmp_path, progress=False).record["entries"] == 480


def test_an_index_with_the_hash_of_weights_alone_opens_where_codes_are_the_same(tmp_path):
    from sparsetime.files import Folder

    x = planted(120, seed=3, sequences=6)
    four, two = (st.dictionary("topk", d_in=16, width=64, k=k) for k in (4, 2))
    record = dict(st.index(four, x, tmp_path, progress=False).record)
    record["subject"] = record["subject"] | {"dictionary": weight_hash(four)}
    Folder(str(tmp_path)).write_json("index.json", record, record["schema_version"])
    assert st.index(four, x, tmp_path, progress=False).record["entries"] == 480
    with pytest.raises(StoreError, match="with the same weights and other settings"):
        st.index(two, x, tmp_path, progress=False)
