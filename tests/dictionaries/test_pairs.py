"""Every two parts that can be in one dictionary, in one: trained a step, kept, encoded.

A test goes through all pairs of one part with the parts of another role: there are thousands of
pairs, and a test of each would cost more than the pair.
"""

from itertools import combinations, product

import pytest
import torch
from small_batches import small_batch

import sparsetime as st
from sparsetime import kernels
from sparsetime.dictionaries.initialise import init_from_data
from sparsetime.dictionaries.serialise import from_config
from sparsetime.errors import ConfigError
from sparsetime.registry import components_of

ROLES = ["encoder", "sparsifier", "decoder", "term", "skip"]
ONE_WITH_A_ROLE = [
    (first, kind, second)
    for first, second in combinations(ROLES, 2)
    for kind in components_of(first)
]
# What may stand beside a pair: the first combination that makes sense with it is taken.
NESTED = {"kind": "unit_norm", "groups": [4, 24]}
SPECTRAL = {"kind": "spectral", **components_of("decoder")["spectral"].example}
BESIDE = {
    "encoder": ["linear", "tied", "unmixing"],
    "sparsifier": [
        {"kind": "top_k", "k": 4},
        "gated",
        "jumprelu",
        {"kind": "variational_top_k", "k": 4},
    ],
    "decoder": ["unit_norm", NESTED, "twofold", "windowed", SPECTRAL, "lagged_covariance"],
    "term": [["mse"], ["nested_mse"], ["mse", {"kind": "l1", "weight": 0.1}]],
    "skip": [None],
}


def described(role, kind):
    written = {"kind": kind, **components_of(role)[kind].example}
    return [written] if role == "term" else written


def compositions(*parts):
    """Everything that the parts and what may stand beside them make, as arguments of compose."""
    chosen = {role: [described(role, kind)] for role, kind in parts}
    for role in ROLES:
        if role == "term" and role in chosen:
            chosen[role] += [[*beside, *chosen[role][0]] for beside in BESIDE[role]]
        chosen.setdefault(role, BESIDE[role])
    for values in product(*(chosen[role] for role in ROLES)):
        named = dict(zip(ROLES, values, strict=True))
        yield {"objective": named.pop("term"), **named}


def make(*parts, **sizes):
    """The first composition that makes sense with the parts, or the reason against the last."""
    sizes = {"d_in": 6, "width": 24, **sizes}
    built = {}  # a refused composition leaves its components as they were
    for arguments in compositions(*parts):
        try:
            return st.compose(**sizes, **component_objects(arguments, sizes, built))
        except ConfigError as error:
            reason = str(error)
    return reason


def component_objects(arguments, sizes, built):
    """Arguments of compose as components, those that were built before again."""
    sizes = {"d_out": sizes["d_in"], **sizes}

    def component(role, described):
        key = role, str(described)
        if key not in built:
            written = {"kind": described} if isinstance(described, str) else described
            cls = components_of(role)[written["kind"]]
            built[key] = cls.from_description(written, sizes)
        return built[key]

    return {
        name: [component("term", term) for term in value]
        if name == "objective"
        else value and component(name, value)
        for name, value in arguments.items()
    }


@pytest.mark.parametrize("role", ROLES)
def test_every_part_makes_a_dictionary(role):
    for kind in components_of(role):
        made = make((role, kind))
        assert isinstance(made, st.Dictionary), f"{role} {kind}: {made}"


@pytest.mark.parametrize(
    ("first", "kind", "second"), ONE_WITH_A_ROLE, ids=lambda value: value.replace("_", " ")
)
def test_two_parts_work_together_or_say_why_not(first, kind, second):
    failed = {}
    for other in components_of(second):
        try:
            works_or_says_why_not(make((first, kind), (second, other)))
        except Exception as error:
            failed[other] = error
    if failed:
        raise ExceptionGroup(f"{kind} with {', '.join(failed)}", list(failed.values()))


def works_or_says_why_not(sae):
    """A step of training, the same codes when loaded again, of all sequences and of each alone."""
    if not isinstance(sae, st.Dictionary):
        assert len(sae) > 40, "a reason is a sentence"
        return
    torch.manual_seed(0)
    batch = small_batch(sae, rows=40)
    init_from_data(sae, batch)
    dead = torch.arange(24) % 3 == 0
    with kernels.row_gradients():
        step = sae.forward_train(batch, dead=dead, progress=0.5)
        loss = sae.objective.total(sae.objective.losses(step))
        assert loss.isfinite()
        learns = any(p.requires_grad for p in sae.parameters())
        if learns:
            loss.backward()
    gradients = [p.grad for p in sae.parameters() if p.grad is not None]
    assert bool(gradients) == learns
    assert all(g.to_dense().isfinite().all() for g in gradients)
    sae.observe(step)
    sae.eval()
    again = from_config(sae.to_config())
    again.load_state_dict(sae.state_dict())
    x = batch.x.reshape(5, 8, 6)
    code = sae.encode(x)
    assert torch.equal(code.dense(), again.eval().encode(x).dense())
    alone = torch.cat([sae.encode(x[:1]).dense(), sae.encode(x[1:]).dense()])
    torch.testing.assert_close(alone, code.dense(), rtol=1e-5, atol=1e-6)
    assert sae.reconstruct(code, x).shape == (5, 8, sae.d_out)
