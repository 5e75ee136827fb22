"""An object that SAEBench evaluates, around a dictionary."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from sparsetime.dictionaries.dictionary import Dictionary
from sparsetime.errors import ConfigError
from sparsetime.interop.extract_weights import extracted


@final
class SAEBenchModule(nn.Module):
    """A dictionary with the attributes that SAEBench reads of a custom SAE.

    W_enc: [d_in, width]; W_dec: [width, d_in]; b_enc: [width]; b_dec: [d_in], in units of raw
    activations; codes are dense, of any leading shape. Selection is the dictionary's own.
    """

    def __init__(self, dictionary: Dictionary, cfg: SimpleNamespace) -> None:
        super().__init__()
        weights = extracted(dictionary)
        self.W_enc = nn.Parameter(weights.encoder.T.contiguous())
        self.b_enc = nn.Parameter(weights.encoder_bias)
        self.W_dec = nn.Parameter(weights.decoder)
        self.b_dec = nn.Parameter(weights.decoder_bias)
        self.cfg = cfg
        self.__dict__["dictionary"] = dictionary

    @property
    def device(self) -> torch.device:
        """Where codes and outputs are, also after `to`."""
        return self.W_dec.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of codes and outputs, also after `to`."""
        return self.W_dec.dtype

    def encode(self, x: Float[Tensor, "*shape d"]) -> Float[Tensor, "*shape width"]:
        """Dense codes of raw activations."""
        dictionary: Dictionary = self.__dict__["dictionary"]
        code = dictionary.encode(x.to("cpu", torch.float32)).dense()
        scaled: Tensor = code * dictionary.output_normalisation.scale
        return scaled.to(self.device, self.dtype)

    def decode(self, feature_acts: Float[Tensor, "*shape width"]) -> Float[Tensor, "*shape d"]:
        """Raw activations of dense codes, also of edited ones; with gradients."""
        decoded: Tensor = feature_acts @ self.W_dec + self.b_dec
        return decoded

    def forward(self, x: Float[Tensor, "*shape d"]) -> Float[Tensor, "*shape d"]:
        return self.decode(self.encode(x))

    @torch.no_grad()
    def check_decoder_norms(self) -> bool:
        """Whether all atoms have unit length, which SAEBench asks."""
        return bool(((self.W_dec.norm(dim=1) - 1).abs() < 1e-5).all())


def saebench_module(
    dictionary: Dictionary, model_name: str, hook_layer: int, hook_name: str | None = None
) -> SAEBenchModule:
    """The object for SAEBench's `selected_saes`, `[("name", module)]`.

    model_name, hook_layer, hook_name: of TransformerLens; hook_name None is the stream behind the
    layer.

    Errors: ConfigError for a transcoder, for a dictionary of normalised rows, whose code alone is
    no reconstruction, and for what `convert` refuses.
    """
    if dictionary.out_dims is not None:
        raise ConfigError(
            f"got the transcoder {dictionary.name!r}, expected a dictionary that reconstructs what "
            "it reads, as SAEBench evaluates"
        )
    if dictionary.skip is not None:
        raise ConfigError(
            f"got the dictionary {dictionary.name!r} with the skip connection "
            f"{dictionary.skip.kind!r}, expected one that decodes its code alone, as SAEBench does"
        )
    cfg = SimpleNamespace(
        model_name=model_name,
        d_in=dictionary.d_in,
        d_sae=dictionary.width,
        hook_layer=hook_layer,
        hook_name=hook_name or f"blocks.{hook_layer}.hook_resid_post",
        hook_head_index=None,
        context_size=128,
        architecture=dictionary.name,
        apply_b_dec_to_input=dictionary.encoder.subtracts_offset,
        finetuning_scaling_factor=False,
        activation_fn_str=dictionary.sparsifier.kind,
        activation_fn_kwargs={},
        prepend_bos=True,
        normalize_activations="none",
        dtype="float32",
        device="cpu",
        model_from_pretrained_kwargs={},
        dataset_path="",
        dataset_trust_remote_code=False,
        seqpos_slice=(None,),
        training_tokens=-1,
        sae_lens_training_version=None,
        neuronpedia_id=None,
    )
    cfg.to_dict = lambda: _plain(cfg)
    return SAEBenchModule(dictionary, cfg).eval()


def _plain(cfg: SimpleNamespace) -> dict[str, Any]:
    """What JSON holds of it, without the `metadata` that SAEBench adds for SAELens."""
    kept = {name: value for name, value in vars(cfg).items() if not callable(value)}
    kept.pop("metadata", None)
    return kept
