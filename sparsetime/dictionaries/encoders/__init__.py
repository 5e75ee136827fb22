"""Encoders: from an activation to one pre-activation a latent. A file here is a part."""

from sparsetime.dictionaries.encoders.bilinear import BilinearEncoder
from sparsetime.dictionaries.encoders.dense import DenseEncoder
from sparsetime.dictionaries.encoders.distance import DistanceEncoder
from sparsetime.dictionaries.encoders.encoder import Encoder
from sparsetime.dictionaries.encoders.gradient_pursuit import GradientPursuitEncoder
from sparsetime.dictionaries.encoders.kronecker import KroneckerEncoder
from sparsetime.dictionaries.encoders.linear import LinearEncoder
from sparsetime.dictionaries.encoders.lista import LISTAEncoder
from sparsetime.dictionaries.encoders.matching_pursuit import MatchingPursuitEncoder
from sparsetime.dictionaries.encoders.neurons import GatedNeuronEncoder, NeuronEncoder
from sparsetime.dictionaries.encoders.orthogonal_pursuit import OrthogonalPursuitEncoder
from sparsetime.dictionaries.encoders.pursuit import PursuitEncoder
from sparsetime.dictionaries.encoders.select_dense import SelectDenseEncoder
from sparsetime.dictionaries.encoders.select_linear import SelectLinearEncoder
from sparsetime.dictionaries.encoders.tied import TiedEncoder
from sparsetime.dictionaries.encoders.uncentred import UncentredEncoder

__all__ = [
    "BilinearEncoder",
    "DenseEncoder",
    "DistanceEncoder",
    "Encoder",
    "GatedNeuronEncoder",
    "GradientPursuitEncoder",
    "KroneckerEncoder",
    "LISTAEncoder",
    "LinearEncoder",
    "MatchingPursuitEncoder",
    "NeuronEncoder",
    "OrthogonalPursuitEncoder",
    "PursuitEncoder",
    "SelectDenseEncoder",
    "SelectLinearEncoder",
    "TiedEncoder",
    "UncentredEncoder",
]
