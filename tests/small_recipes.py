"""A small dictionary of every recipe, with settings that suit a small one."""

import sparsetime as st

CARDS = {card.name: card for card in st.recipes()}
# Settings of a small dictionary, where the defaults are for large ones.
SMALL = {
    "end_to_end": {"downstream": 0.01},  # the made-up model is loud beside the squared error
    "p_annealing": {"lp": 0.1},
    "relu_l1": {"l1": 0.1},
    "group_sparse": {"group_l1": 0.1},
    "jumprelu": {"l0": 4.0},
    "crosscoder": {"l1": 0.1},
    "leaky_crosscoder": {"window": 2, "decay": 0.5},
    "spectral_crosscoder": {"window": 2, "bands": 2},
    "window_crosscoder": {"window": 2},  # four latents are few for what five steps hold
    "sae_no": {"modes": 8},  # what is planted is not smooth
}


def small(name, **settings):
    own = {"k": 4} if "k" in CARDS[name].defaults else {}
    return st.dictionary(name, d_in=16, width=64, **{**own, **SMALL.get(name, {}), **settings})
