"""Encoders: from an activation to one pre-activation a latent. A file here is a part."""

from sparsetime.dictionaries.encoders.dense import DenseEncoder
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.encoders.linear import LinearEncoder
from sparsetime.dictionaries.encoders.product import ProductEncoder
from sparsetime.dictionaries.encoders.tied import TiedEncoder

__all__ = ["DenseEncoder", "Encoder", "LinearEncoder", "ProductEncoder", "TiedEncoder"]
