"""Forward passes of chosen codes, for objective terms on input whose answer is known."""

from sparsetime.activations.sampling.batch import Batch
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.forward_pass import ForwardPass


def made_pass(sae, x, support, pre, values, earlier=None, batch=None):
    """The pass of normalised x through a dictionary, with this support and these values."""
    batch = batch or Batch(x)
    return ForwardPass(
        encoder=sae.encoder,
        sparsifier=sae.sparsifier,
        decoder=sae.decoder,
        skip=sae.skip,
        normalisation=sae.normalisation,
        output_normalisation=sae.output_normalisation,
        x=x,
        inputs=EncoderInput(sae.centred(x), batch, segments=batch.segments),
        offset=sae.input_offset,
        target=x,
        support=support,
        pre=pre,
        values=values,
        batch=batch,
        earlier=earlier,
    )
