"""Names of the first group of latents and of the rest, by the component that separates them."""

import pytest

import sparsetime as st


@pytest.mark.parametrize(
    ("recipe", "names"),
    [
        ("temporal_matryoshka", ("high", "low")),
        ("temporal_feature_analysis", ("predicted", "novel")),
        ("slow_fast", ("slow", "fast")),
        ("csae", ("common", "contrastive")),
        ("matryoshka_batch_topk", ("first", "rest")),  # nested, and separated by no component
        ("topk", None),
    ],
)
def test_the_component_that_separates_groups_names_them(recipe, names, tmp_path):
    sae = st.dictionary(recipe, d_in=8, width=32, k=4)
    assert sae.group_names == names
    sae.save(tmp_path / "saved")
    assert st.load(tmp_path / "saved").group_names == names


def test_either_loss_of_t_sae_names_them():
    sae = st.dictionary(
        "temporal_matryoshka", d_in=8, width=32, k=4, contrastive_weight=0, difference_weight=0.1
    )
    assert sae.group_names == ("high", "low")


def test_names_stay_with_a_memory_around_the_sparsifier():
    plain = st.dictionary("slow_fast", d_in=8, width=32, k=4)
    assert st.wrap_stateful(plain, "delta").group_names == ("slow", "fast")
