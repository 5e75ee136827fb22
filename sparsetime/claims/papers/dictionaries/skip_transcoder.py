"""Skip transcoder against a transcoder: FVU of an MLP's output."""

from sparsetime.claims.claim import UNTRAINED, Lab, Less, claim
from sparsetime.dictionaries.recipes import dictionary

WIDTH, K, ROWS = 1024, 32, 80_000
CODE = ("model.layers.1.post_attention_layernorm", "model.layers.1.mlp")
PROSE = ("encoder.layer.3.intermediate:input", "encoder.layer.3.output.dense")


@claim(
    "skip_transcoder",
    says="At equal k a transcoder with a skip connection has a lower FVU than one without.",
    data="an MLP of the code model, and one of MiniLM; held-out documents",
    expects=[
        Less("FVU with skip, code", than="FVU without, code"),
        Less("FVU with skip, prose", than="FVU without, prose"),
    ],
    notes="The interpretability of latents, which language models judge in the paper, is left out.",
    null=UNTRAINED,
)
def check(lab: Lab, seed: int) -> dict[str, float]:
    """Input: that of the MLP; target: its output."""
    values = {}
    sites = {"code": map(lab.code, CODE), "prose": map(lab.real, PROSE)}
    for name, (read, written) in sites.items():
        for recipe, kind in (("skip_transcoder", "with skip"), ("transcoder", "without")):
            sae = dictionary(recipe, d_in=read.d, width=WIDTH, d_out=written.d, k=K, seed=seed)
            lab.train(sae, {"x": read.train, "target": written.train}, rows=ROWS, seed=seed)
            values[f"FVU {kind}, {name}"] = lab.fvu(sae, read.held_out, written.held_out)
    return values
