"""Activations of a signature direction with content: a random subset of further directions."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from sparsetime.testbeds.tempbench.data import TempBenchSettings, orthonormal


class ContentSettings(TempBenchSettings):
    """Widths and activation values of signature and content directions."""

    d: int = Field(64, ge=2, description="width of the activations")
    content: int = Field(12, ge=1, description="content directions, which know nothing of time")
    active_content: int = Field(3, ge=0, description="content directions active at a step")
    signature_value: float = Field(2.5, gt=0, description="mean activation of a signature")
    content_value: float = Field(1.0, gt=0, description="mean activation of content")
    spread: float = Field(0.3, ge=0, description="deviation of an activation, relative to its mean")


def activations_with_content(
    signatures: Float[np.ndarray, "sequences time signatures"], settings: ContentSettings, bed: str
) -> tuple[Float[Tensor, "sequences time d"], Float[Tensor, "features d"]]:
    """Activations and true directions, signatures first.

        x_t = sum_i g_i(t) |N(m, (s m)^2)| u_i + sum_{j in C_t} |N(c, (s c)^2)| w_j

    signatures: g, 0 or 1. C_t: a uniform subset of the content, drawn at every step. Rows u and w
    are orthonormal.
    """
    width, count = signatures.shape[2], settings.content
    directions = orthonormal(settings.stream(bed, "directions"), width + count, settings.d)
    random = settings.stream(bed, "values")
    shape = signatures.shape[:2]
    order = random.random((*shape, count)).argsort(axis=-1).argsort(axis=-1)
    gates = np.concatenate([signatures, order < settings.active_content], axis=-1)
    mean = np.repeat([settings.signature_value, settings.content_value], [width, count])
    noise = random.standard_normal(gates.shape)
    values = gates * np.abs(mean * (1 + settings.spread * noise))
    return torch.from_numpy(values @ directions).float(), torch.from_numpy(directions).float()
