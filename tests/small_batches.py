"""Whatever a dictionary needs, small and made up, as a user would give it."""

import torch
from planted import planted

from sparsetime import seeds
from sparsetime.activations.sampling.batch import Batch
from sparsetime.segments import Segments


def small_fields(sae, rows, seed=0, sequences=None):
    """Tensors by name that hold all that the dictionary needs, without functions.

    The target is a fixed, bent map of x; gradients and labels follow from x too.
    """
    x = planted(rows, d=sae.d_in, seed=seed, sequences=sequences)
    generator = seeds.torch_generator(0, "planted labels")
    fields = {"x": x}
    if "target" in sae.needs:
        out = torch.randn(sae.d_in, sae.d_out, generator=generator)
        fields["target"] = (x @ out / sae.d_in**0.5).tanh() + 0.2
    if "gradient" in sae.needs:
        fields["gradient"] = x @ torch.randn(sae.d_in, sae.d_in, generator=generator)
    if "labels" in sae.needs:
        fields["labels"] = (x[..., 0] > x[..., 0].median()).long()
    if "earlier" in sae.needs and sequences is None:
        fields["earlier"] = x + 0.05 * torch.randn(x.shape, generator=generator)
    return fields


def small_batch(sae, rows=64, seed=1):
    """One batch with all that the dictionary needs."""
    fields = small_fields(sae, rows, seed)
    if "downstream" in sae.needs:
        fields["downstream"] = distance_downstream(fields.get("target", fields["x"]))
    if "segments" in sae.needs:
        fields["segments"] = Segments.of_lengths([rows // 2, rows - rows // 2])
    return Batch(**fields)


def small_source(sae, rows=4000, batch=128, steps=200):
    """What `train` takes, for `steps` batches."""
    if "downstream" in sae.needs:
        return _cut(small_fields(sae, rows), batch, steps + 1)
    fields = small_fields(sae, rows, sequences=40)
    return fields["x"] if len(fields) == 1 else fields


def _cut(fields, batch, steps):
    """Batches of the same rows, each with a model of its own rows."""
    generator = seeds.torch_generator(0, "random choice")
    for _ in range(steps):
        rows = torch.randint(len(fields["x"]), (batch,), generator=generator)
        some = {name: value[rows] for name, value in fields.items()}
        yield Batch(**some, downstream=distance_downstream(some.get("target", some["x"])))


def distance_downstream(x):
    """A model of two layers whose loss is least where its input is `x`."""
    weight = torch.randn(
        x.shape[1], 8, generator=seeds.torch_generator(0, "planted labels", "downstream")
    )
    wanted = (x @ weight).tanh()
    return lambda y: ((y @ weight.to(y)).tanh() - wanted.to(y)).square().sum(1).mean()
