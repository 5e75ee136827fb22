"""Named streams of random numbers: every random draw is a function of a seed and a name.

    generator = G(SHA-256(seed, name, key)),  G: numpy's PCG64, or torch's generator of a device

Equal seeds in two places share no numbers, since the places have different names: planted data and
the initial weights of a dictionary, a null and a bootstrap, the noise of two steps.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from sparsetime.errors import ConfigError, unknown_name

#: Version of the streams: 0 in 0.1.0, where most streams of one seed were the same numbers. It is
#: recorded wherever work resumes, so that a run is never continued with other numbers.
STREAMS_VERSION = 1

#: Every stream of the package, of its tests and of its benchmarks, by name.
STREAMS = {
    # Dictionaries and their training.
    "initial weights": "all random parameters of a dictionary",
    "initial weights of a suite": "the seed of each dictionary of a suite, by site and width",
    "order of rows": "order of training samples and the lags of pairs, by epoch and pool",
    "lags of an iterator": "lags of pairs drawn from an iterator of batches, by batch",
    "order of sequences": "order in which an objective on the model's loss reads token sequences",
    "resampled latents": "rows whose directions dead latents get, by how often they got some",
    "variational noise": "samples around latents of variational TopK, by step",
    "importance dropout": "latents dropped by importance dropout, by step",
    "adopted functions": "rows and codes by which adopted functions are checked and identified",
    # Activations.
    "held-out split": "sequences held out by a split of a store",
    "look-ahead of a model": "inputs whose ends differ, by which rows that read ahead are found",
    "receptive fields": "weights of the sums whose gradient shows which steps a row reads",
    "perturbation of a linearised pass": "moves that show whether frozen passes are affine",
    "perturbation of an attention score": "moves that show whether a score is bilinear",
    "perturbation of a module": "moves that show which modules are not affine once frozen",
    "check of a model": "what a model draws itself, while captures check that it is deterministic",
    "generated documents": "documents sampled from a language model, by batch",
    "initial weights of an untrained copy": "weights of a model as before its training",
    # Sequence models.
    "initial weights of a sequence model": "all random parameters of a sequence model",
    "random transition": "a state-space matrix without structure, by its dimension",
    "initial weights of pretraining terms": "decoders and predictors of pretraining objectives",
    "order of pretraining sequences": "order and cuts of windows in pretraining, by epoch",
    "masks and crops of pretraining": "masks, crops and noise of a step of pretraining",
    # Features, metrics and statistics.
    "bootstrap": "groups of sequences that a confidence interval resamples",
    "bootstrap of a probe": "blocks of time that the interval of a probe's accuracy resamples",
    "rows of a probe": "rows that a linear probe is fit on and scored on",
    "shuffled pairs of texts": "order of second texts in the null of contrastive scores, by draw",
    "order of texts in a pair": "which text of a contrastive pair comes first, in a null",
    "points of a distance law": "points that a law is fitted on, and shuffled positions",
    "shuffled tree of labels": "places of classes in a tree, in the null of their agreement",
    "sequences of a probe": "sequences that a probe is fit on and scored on",
    "shuffled steps": "order of steps in the shuffled null; some metrics draw it by sequence",
    "shifted boundaries": "circular shifts in the null of segmentation",
    "shifted positions": "circular shifts in the null of position, by draw",
    "shifted beginnings": "circular shifts in the null of lead and lag, by draw",
    "random atoms": "unit vectors of random dictionaries, by number",
    "decision tree": "order in which a decision tree tries features of equal gain",
    "shuffled inputs": "order of a model's input steps where a feature may need time, by order",
    "sequences of shuffled inputs": "sequences whose input steps change places",
    "shuffled frames": "order of frames in the temporal tests of a model, by order",
    "sequences of a history": "sequences on which the history of an index is measured",
    "random divergence": "simulated divergence of random steps from their source",
    "halves of a label association": "recordings that choose labels and those that score them",
    "exchanged labels": "recordings and shifts whose labels the null of an association exchanges",
    "shifted codes of a match": "circular shifts of codes in the null of matching, by draw",
    "sequences of a classifier": "sequences that a classifier of pooled codes holds out",
    "exchanged labels of a classifier": "training labels that its null exchanges",
    "initial weights of a vocabulary encoder": "expansion weights of a sparse retriever",
    "batches of a vocabulary encoder": "pairs and hard negatives of each step, in turn",
    "passages of an explanation": "order and marks of passages that test a text, by feature",
    "exchanged explanations": "features whose explanations are exchanged for a null",
    "moments of an explanation": "steps that choose and score rules, by feature and part",
    "permuted conditions": "recordings whose conditions the null of a comparison permutes",
    "shifted activity": "circular shifts in the null of a feature's mean input, by draw",
    "shifted onsets": "circular shifts of events in the null of a peri-event average, by draw",
    "shifted events of a monitor": "circular shifts in the detections by chance, by draw",
    # Interventions and steering.
    "generated continuation": "tokens sampled behind a prompt",
    "null features of an effect": "features that an effect is compared with",
    "resampled activations": "rows that an ablation takes values from, by sequence and block",
    "low-rank update": "first factors of a low-rank update, by linear map",
    "batches of a low-rank update": "windows of each step of a low-rank update's training",
    "features of a verification": "features of a graph that are ablated beside the largest",
    # Sparse computation.
    "random masks": "which weights a random score keeps, by matrix",
    "regrown weights": "which weights dynamic sparse training grows at random, by matrix and step",
    "inputs of a timing": "rows on which executions of a thinned map are compared and timed",
    "initial weights of a predictor": "weights of a predictor of active neurons",
    "order of a predictor's steps": "calibration steps that a predictor is trained on",
    # Testbeds.
    "SynthSAEBench": "bias, correlations, spreads, and rows of SynthSAEBench by part and block",
    "SynthSAEBench vectors": "the true directions of SynthSAEBench, before they are moved apart",
    "TempBench": "directions, latents and noise of TempBench, by bed and part",
    "rows of a probe table": "rows of a table of sae-probes, by its name",
    "rotation of a compiled model": "directions of the variables of a compiled model",
    "inputs of a compiled model": "tokens of a compiled model, by model and draw",
    "synthetic testbed": "features, activations, atoms and noise of the synthetic testbed",
    "voices": "speakers of made speech, by number",
    "speech": "sounds, durations, pitch and noise of made speech, by recording",
    "clips": "shapes, colours, motions and noise of made video clips, by clip and kind",
    "EEG": "rhythms, events and noise of made EEG, by subject",
    "trajectories": "speeds, headings, turns and noise of made trajectories, by part",
    "melodies": "notes, durations, timbres and noise of made melodies, by recording",
    "prompts of a task": "words and templates of prompts of a task, by task and split",
    "games of Othello": "random legal games of the Othello testbed, by draw",
    "mazes": "connections, ends and shortest paths of mazes, by draw",
    "prompt tuning": "first values of prompts, and the images of each step",
    "initial weights of a testbed": "weights of a testbed's model before training",
    "order of windows": "offset and order of a language model's training windows, by epoch",
    "recall sequences": "pairs, queries and noise of recall sequences, by part and step",
    "masked patches in training": "windows and masks of a patch transformer's training",
    "masked patches held out": "masks on which a patch transformer's held-out error is measured",
    "haystacks": "scenes, events and noise of made sequences with planted events",
    "street windows": "windows of pedestrian counts, by sensors and by part",
    "split of digits": "which digits are held out, and which are for tuning",
    "initial weights of a digit net": "weights of a network for digits before training",
    "initial weights of a frame net": "weights of a network for clips before training",
    "initial weights of a character model": "weights of a model of characters before training",
    "windows of characters": "where windows of a model of characters begin, by part",
    # Planted data of claims, tests and benchmarks.
    "planted atoms": "true directions, offsets and maps",
    "planted codes": "which features are active on a row, and their values",
    "planted noise": "noise on top of sums of true atoms, by grid where there are several",
    "planted labels": "labels, targets and gradients that are functions of planted rows",
    "random tokens": "tokens of documents and prompts without meaning",
    "random inputs": "rows without structure: for arithmetic, never a truth to recover",
    "random choice": "rows or documents chosen from data that are given",
    "denoising autoencoder": "weights, order and erased pixels of a baseline of a claim",
    "order of a short training": "order of rows in the trainings of networks of claims, by epoch",
    "order of modules of a claim": "which modules of Python source a claim reads",
    "order of measurements": "order in which a benchmark measures its cases",
    "requests": "pages that readers of a benchmark ask for",
}

# The held-out split keeps the numbers of 0.1.0: with others, a dictionary that 0.1.0 trained on one
# part would be evaluated on sequences that it was trained on. No other stream is seeded so.
_AS_IN_0_1_0 = "held-out split"


def numpy_generator(seed: int, name: str, *key: int | str) -> np.random.Generator:
    """The numpy generator of a stream.

    name: of `STREAMS`. key: further numbers or names that tell draws of one stream apart, such as
    an epoch. Equal arguments give equal numbers, on every machine.

    Errors: ConfigError for a seed that is no integer; UnknownNameError for an unknown stream.
    """
    if name == _AS_IN_0_1_0 and not key:
        if _integer(seed) < 0:
            raise ConfigError(f"got seed={seed} of a split, expected a number from 0 on")
        return np.random.default_rng(_integer(seed))
    return np.random.default_rng(_entropy(seed, name, key))


def torch_generator(
    seed: int, name: str, *key: int | str, device: torch.device | str = "cpu"
) -> torch.Generator:
    """The torch generator of a stream, on a device; otherwise as `numpy_generator`.

    Devices draw different numbers from equal seeds.
    """
    return torch.Generator(device).manual_seed(_torch_seed(seed, name, key))


def integer(seed: int, name: str, *key: int | str) -> int:
    """A number from 0 to 2^32 - 1 of a stream, for libraries that take a seed of their own."""
    return _entropy(seed, name, key) >> 224


@contextmanager
def torch_globals(
    seed: int, name: str, *key: int | str, device: torch.device | str | None = "cpu"
) -> Iterator[None]:
    """A block in which torch's global generators, on the CPU and on a device, are a stream.

    For code of other libraries that takes no generator. Their state is restored afterwards.
    device: None stands for all devices.
    """
    number = _torch_seed(seed, name, key)
    if device is None:
        with torch.random.fork_rng():
            torch.manual_seed(number)
            yield
        return
    chosen = torch.device(device)
    on_gpu = chosen.type == "cuda"
    with torch.random.fork_rng([chosen] if on_gpu else []):
        # torch.manual_seed would set the generators of all devices, which are not restored.
        torch.default_generator.manual_seed(number)
        if on_gpu:
            with torch.cuda.device(chosen):
                torch.cuda.manual_seed(number)
        yield


def _torch_seed(seed: Any, name: str, key: tuple[int | str, ...]) -> int:
    # torch's CPU generator reads only the low 32 bits of a seed, so two streams of it are equal
    # with a chance of 2^-32. A test holds that none are, for the seeds that are in use.
    return _entropy(seed, name, key) >> 193


def _entropy(seed: Any, name: str, key: tuple[int | str, ...]) -> int:
    """256 bits of seed, name and key. A hash, since sums of small numbers would coincide."""
    if name not in STREAMS:
        raise unknown_name("stream of random numbers", name, STREAMS)
    parts = [_integer(seed), name, *(one if isinstance(one, str) else _integer(one) for one in key)]
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest())


def _integer(value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ConfigError(
            f"got the seed {value!r}, expected an integer; give one such as seed=0"
        ) from None
