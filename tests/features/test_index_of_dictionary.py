"""An index of another dictionary is refused where both are read, also at equal widths."""

import pytest
from planted import planted

import sparsetime as st
from sparsetime.errors import MismatchError
from sparsetime.features.index_of_dictionary import check_index_of
from sparsetime.steering.strength import unit_of


def topk(**settings):
    return st.dictionary("topk", **{"d_in": 16, "width": 32, "k": 3, **settings})


def test_the_index_of_another_dictionary_is_refused(tmp_path):
    x = planted(120, seed=3, sequences=6)
    sae = topk()
    index = st.index(sae, x, tmp_path, progress=False)
    assert unit_of(None, index, sae) == "peak"
    check_index_of(index, sae.at(2, x))
    for other in (topk(seed=1), topk(k=4)):
        with pytest.raises(MismatchError, match=r"of another dictionary than 'topk'"):
            unit_of(None, index, other)
        assert unit_of("spread", None, other) == "spread"
