"""Base class of sparsifiers: which latents are active, and their activation values."""

from __future__ import annotations

from abc import abstractmethod

from jaxtyping import Float
from torch import Tensor

from sparsetime.codes import SparseCode
from sparsetime.dictionaries.component import Component
from sparsetime.dictionaries.decoders.decoder import Decoder
from sparsetime.dictionaries.encoder_input import EncoderInput
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.errors import ConfigError
from sparsetime.kernels import Rule, Support


class Sparsifier(Component):
    """A selection rule, without gradient, and a gate from pre-activations to activation values.

    Both exist for training and for inference. At inference a row's code never depends on other rows
    of its batch; a stateful sparsifier's depends on the earlier rows of its segment.

    decoder, encoder: those of the same dictionary, for sparsifiers that use their weights.
    """

    role = "sparsifier"
    #: Whether codes are sparse only if a term of the objective makes them so.
    needs_sparsity_penalty: bool = False
    #: Whether multiplying all pre-activations, and `rescale` by the same factor, changes no place,
    #: so that codes may begin small.
    scale_free: bool = False
    #: Short rows of the encoder turn faster, so that less than the best scale is better
    #: (docs/performance.md has the measurements).
    first_share = 0.7
    #: Mean number of active latents that the first codes have; None for any.
    first_l0: float | None = None
    decoder: Decoder
    encoder: Encoder

    def bind(self, decoder: Decoder, encoder: Encoder) -> None:
        """Bind decoder and encoder of the same dictionary; called when it is composed."""
        # Beside torch's register of modules, so that their weights are not saved twice.
        self.__dict__["decoder"], self.__dict__["encoder"] = decoder, encoder

    @property
    def innermost(self) -> Sparsifier:
        """The sparsifier that trains: the inner one, where this one goes around another."""
        return self

    @property
    def rule_kind(self) -> str:
        """Kind of the sparsifier whose rule selects: the inner one's where this one leaves it."""
        return self.kind

    @abstractmethod
    def training_rule(self, inputs: EncoderInput) -> Rule:
        """Selection rule of a training batch."""

    @abstractmethod
    def gate(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> Float[Tensor, " entries"]:
        """Activation values from the pre-activations of the kept entries, with gradients."""

    def rescale(self, factor: float) -> None:
        """Multiply what pre-activations are compared with, before the first step."""
        del factor

    def set_threshold(self, threshold: float) -> None:
        """Set all thresholds to this, before the first step."""
        del threshold

    def inference_rule(self, inputs: EncoderInput) -> Rule:
        """Selection rule of inference, under which a row's code does not depend on its batch.

        The default is that of training, for rules that do not depend on the batch.
        """
        return self.training_rule(inputs)

    def inference_gate(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> Float[Tensor, " entries"]:
        """Activation values at inference; zero for entries that are not active. Default: `gate`."""
        return self.gate(pre, support, inputs)

    def code(
        self, pre: Float[Tensor, " entries"], support: Support, inputs: EncoderInput
    ) -> SparseCode:
        """Code of the rows at inference. A stateful sparsifier may keep latents active."""
        values = self.inference_gate(pre, support, inputs)
        code = SparseCode(support.offsets, support.indices, values, support.width, (support.rows,))
        return code.keep(values != 0)


def checked_k(k: int) -> int:
    """Errors: ConfigError below 1."""
    if k < 1:
        raise ConfigError(f"got k={k}, expected at least 1")
    return k
