"""Cross-layer transcoder: latents that write to all later MLP outputs."""

from sparsetime.dictionaries.decoders.cross_layer import CrossLayerDecoder
from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.dictionaries.encoders.per_site import PerSiteEncoder
from sparsetime.dictionaries.objectives import MSE, AuxK, Objective
from sparsetime.dictionaries.recipes.card import recipe
from sparsetime.dictionaries.site_split import share_ends
from sparsetime.dictionaries.sparsifiers import BatchTopK


@recipe(
    "cross_layer_transcoder",
    title="Cross-layer transcoder",
    paper="Ameisen et al. 2025, Circuit Tracing: Revealing Computational Graphs in Language "
    "Models; Lindsey et al. 2024, Sparse Crosscoders for Cross-Layer Features and Model Diffing",
    idea="Every latent reads the input of one MLP and writes to the output of this and of all "
    "later MLPs, so that a feature that persists through layers is one latent and not one a layer.",
    claim="Lower error of the MLPs' outputs than one transcoder a layer with as many active "
    "latents, and shorter paths through a circuit.",
    source_of_defaults="Those of BatchTopK, whose threshold lets a layer be encoded before later "
    "ones are computed; the paper has JumpReLU with a tanh penalty.",
    cost="The encoder's product is dense and costs as much as one transcoder a layer; atoms are "
    "as long as all sites together.",
)
def cross_layer_transcoder(
    d_in: int,
    width: int,
    d_out: int | None = None,
    sites: int = 2,
    k: int = 64,
    aux_k: int | None = None,
    aux_weight: float = 1 / 32,
) -> Dictionary:
    """`sites`: number of MLPs, whose sizes d_in and d_out join; None takes d_in for d_out.

    `width` and `k` are of all sites together. `sparsetime.paired_sites(x=inputs, target=outputs)`
    joins the activations of two lists of stores in the order of the model.
    """
    out = d_out or d_in
    read_dims, write_dims = share_ends("d_in", d_in, sites)[0], share_ends("d_out", out, sites)[0]
    return Dictionary(
        PerSiteEncoder(d_in, width, sites),
        BatchTopK(k),
        CrossLayerDecoder(width, out, sites),
        Objective([MSE(), AuxK(aux_k, aux_weight)]),
        in_dims=(read_dims,) * sites,
        out_dims=(write_dims,) * sites,
    )
