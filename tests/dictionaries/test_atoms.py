"""Atoms that begin from data, or are data, on input whose answer is known."""

import pytest
import torch
from planted import planted

import sparsetime as st
from sparsetime.dictionaries.decoders import (
    ActiveSubspaceDecoder,
    ArchetypalDecoder,
    DataPointDecoder,
)
from sparsetime.dictionaries.decoders.active_subspace import effective_rank, principal_directions
from sparsetime.dictionaries.decoders.archetypal import cluster_centres
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.errors import ConfigError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def in_a_plane(rows=400):
    """Rows of six dimensions that vary in the first two alone."""
    return torch.cat([torch.randn(rows, 2, generator=seeded()), torch.ones(rows, 4)], 1)


def test_the_active_subspace_is_where_rows_vary():
    x = in_a_plane()
    basis = principal_directions(x, 0.999)
    assert basis.shape == (6, 2)
    torch.testing.assert_close(basis[2:], torch.zeros(4, 2), atol=1e-5, rtol=0)
    atoms = ActiveSubspaceDecoder(16, 6)
    atoms.reset_parameters(seeded())
    assert atoms.weight[:, 2:].abs().max() > 0.1
    atoms.init_from_data(x)
    torch.testing.assert_close(atoms.weight[:, 2:], torch.zeros(16, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(atoms.weight.norm(dim=1), torch.ones(16))


def test_the_encoder_begins_in_the_active_subspace_too():
    sae = st.dictionary("active_subspace", d_in=6, width=16, k=2)
    init_from_data(sae, in_a_plane())
    directions = torch.nn.functional.normalize(sae.encoder.weight, dim=1)
    torch.testing.assert_close(directions, sae.atoms)


def test_effective_rank_counts_directions():
    assert effective_rank(torch.randn(20_000, 5, generator=seeded())) == pytest.approx(5, rel=0.01)
    assert effective_rank(in_a_plane(20_000)) == pytest.approx(2, rel=0.01)


def test_archetypal_atoms_point_into_the_hull():
    """Points on the positive side of a line can only be mixed to that side."""
    x = torch.rand(300, 5, generator=seeded()) + torch.tensor([0.5, 0.0, 0.0, 0.0, 0.0])
    atoms = ArchetypalDecoder(20, 5, points=8)
    atoms.reset_parameters(seeded())
    atoms.init_from_data(x)
    mixtures = atoms.mixtures()
    assert (mixtures >= atoms.points.min(0).values - 1e-6).all()
    assert (mixtures <= atoms.points.max(0).values + 1e-6).all()
    torch.testing.assert_close(atoms.vectors().norm(dim=1), torch.ones(20))


def test_relaxation_bounds_how_far_an_atom_leaves_its_mixture():
    atoms = ArchetypalDecoder(6, 5, points=4, relaxation=0.25)
    atoms.reset_parameters(seeded())
    inside = atoms.mixtures().detach()
    with torch.no_grad():
        atoms.beside[0, 0], atoms.beside[1, 0] = 100.0, 0.1
    left = (atoms.mixtures() - inside).norm(dim=1)
    torch.testing.assert_close(left[:3], torch.tensor([0.25, 0.1, 0.0]))


def test_cluster_centres_of_two_clouds():
    clouds = torch.tensor([[0.0, 0.0], [10.0, 0.0]]).repeat_interleave(50, 0)
    x = clouds + 0.1 * torch.randn(100, 2, generator=seeded())
    centres = cluster_centres(x, 2)
    wanted = torch.stack([x[:50].mean(0), x[50:].mean(0)])
    torch.testing.assert_close(centres, wanted)
    assert cluster_centres(x[:3], 6).shape == (6, 2)


def test_data_atoms_are_the_worst_explained_rows():
    atoms = DataPointDecoder(4, 3, at_once=2)
    atoms.reset_parameters(seeded())
    assert atoms.vectors().norm(dim=1).allclose(torch.ones(4))
    # The second is the first again, so that after the first the third is worst.
    atoms.init_from_data(torch.tensor([[5.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, 2.0, 0.0]]))
    assert atoms.filled == 2
    assert atoms.vectors().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_training_fills_the_dictionary_with_data(tmp_path):
    x = planted(2000)
    sae = st.dictionary("itda", d_in=16, width=64, k=2)
    trained = st.train(sae, x, out=tmp_path, show=False, rows=80 * 100, batch=100).dictionary
    assert trained.decoder.filled == 64
    centred = x / trained.normalisation.scale - trained.decoder.bias.detach()
    nearest = torch.nn.functional.normalize(centred, dim=1) @ trained.atoms.T
    assert nearest.max(0).values.min() > 0.99


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: ActiveSubspaceDecoder(4, 2, variance=0.0),
            "got variance=0.0, expected .* above 0 and at most 1",
        ),
        (lambda: ArchetypalDecoder(4, 2, points=1), "at least 2 points"),
        (lambda: ArchetypalDecoder(4, 2, relaxation=-1.0), "a relaxation of at least 0"),
        (lambda: DataPointDecoder(4, 2, at_once=0), "expected at least 1 atom a batch"),
        (
            lambda: st.compose(
                decoder="data", sparsifier={"kind": "top_k", "k": 2}, d_in=4, width=8
            ),
            "data atoms are added during training.*'matching_pursuit' or 'tied'",
        ),
    ],
)
def test_bad_settings_are_refused(make, text):
    with pytest.raises(ConfigError, match=text):
        make()
