"""AMUSE: directions of Gaussian sources that differ only in autocorrelation."""

from sparsetime.claims.claim import AtLeast, Lab, Less, Replaced, claim
from sparsetime.dictionaries.decoders.windowed import WindowedDecoder
from sparsetime.dictionaries.recipes import dictionary
from sparsetime.testbeds import direction_score, tempbench

D, WINDOW, K, ROWS = 12, 5, 4, 60_000
RECIPES = {"amuse": {}, "topk": {}, "window_crosscoder": {"window": WINDOW}}


@claim(
    "amuse",
    says="Of Gaussian sources that differ only in autocorrelation at lag 2, its atoms are the "
    "directions: on the scale from random directions to the true ones at least a half, and more "
    "than those of TopK and of a crosscoder over five steps.",
    data="TempBench's bed of coloured sources, 12 sources, 1,000 sequences",
    expects=[
        AtLeast("recovery, amuse", than=0.5),
        Less("recovery, topk", than="recovery, amuse"),
        Less("recovery, window_crosscoder", than="recovery, amuse"),
    ],
    seconds=15,
    notes="Its directions are those of covariances at a lag, which one batch gives without a step.",
    null=Replaced("amuse", by="topk"),
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """(score - chance) / (1 - chance), TempBench's scale; 0 is as many random directions."""
    bed = tempbench("coloured_sources", seed=seed, sources=D, sequences=1000)
    values = {}
    for recipe, options in RECIPES.items():
        sae = dictionary(recipe, d_in=D, width=2 * D, k=K, seed=seed, **options)
        lab.train(sae, bed.activations, rows=ROWS, batch=512, seed=seed)
        decoder = sae.decoder
        atoms = decoder.profile if isinstance(decoder, WindowedDecoder) else sae.atoms
        score = direction_score(atoms.detach().reshape(-1, D), bed, WINDOW)
        values[f"recovery, {recipe}"] = score.recovery
    return values
