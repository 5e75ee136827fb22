"""Golden numbers of every recipe: what twenty training steps and one encoding give.

Beside the streams of random numbers only public names of the package are used, so that the numbers
outlive a change of its insides.
`python tests/golden/record.py` records them again, where a change of arithmetic is meant; names
behind it (`python tests/golden/record.py topk gated`) record only these.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numba
import torch
from numba.core.dispatcher import Dispatcher

import sparsetime as st
from sparsetime import seeds
from sparsetime.kernels import precision

FOLDER = Path(__file__).parent
RECIPES = FOLDER / "recipes.json"
D, WIDTH, BATCH, STEPS = 16, 64, 64, 20
TRAIN = {
    "rows": STEPS * BATCH,
    "batch": BATCH,
    "learning_rate": 3e-3,
    "dead_after": 5 * BATCH,  # so that what revives dead latents takes part
    "log_every": 1,
    "checkpoint_every": STEPS,
    "selection_dtype": "float32",  # measured per machine otherwise
    "show": False,
}
# Settings of a small dictionary, where the defaults are for large ones.
SMALL = {
    "end_to_end": {"downstream": 0.01},
    "p_annealing": {"lp": 0.1},
    "relu_l1": {"l1": 0.1},
    "group_sparse": {"group_l1": 0.1},
    "jumprelu": {"l0": 4.0},
    "crosscoder": {"l1": 0.1},
    "leaky_crosscoder": {"window": 2},
    "spectral_crosscoder": {"window": 2, "bands": 2},
    "window_crosscoder": {"window": 2},
    "sae_no": {"modes": 8},
}
TOP = {"kind": "top_k", "k": 4}
# Compositions of what no recipe has, as `sparsetime.compose` takes them; "train" changes TRAIN.
COMPOSED = {
    "composed_tied_nested": {
        "encoder": "tied",
        "sparsifier": {"kind": "batch_top_k", "k": 4},
        "decoder": {"kind": "unit_norm", "groups": [16, 64]},
        "objective": ["nested_mse", "aux_k"],
    },
    "composed_two_sites": {
        "d_in": [8, 8],
        "d_out": [6, 4],
        "sparsifier": TOP,
        "objective": ["mse", {"kind": "site_l1", "weight": 0.01}],
        "skip": "linear",
    },
    "composed_hysteresis_of_jumprelu": {
        "sparsifier": {"kind": "hysteresis", "inner": {"kind": "jumprelu", "threshold": 0.3}},
        "objective": ["mse", {"kind": "l0", "target": 4.0}],
    },
    "composed_value_threshold": {"sparsifier": {"kind": "value_threshold", "inner": TOP}},
    "composed_delta_of_abs_top_k": {
        "sparsifier": {"kind": "delta", "inner": {"kind": "abs_top_k", "k": 4}},
        "decoder": {"kind": "unit_norm", "groups": [16, 64]},
        "objective": ["mse", {"kind": "total_variation", "weight": 0.1}],
    },
    "composed_selected_in_int8": {"sparsifier": TOP, "train": {"selection_dtype": "int8"}},
    "composed_selected_in_bfloat16": {"sparsifier": TOP, "train": {"selection_dtype": "bfloat16"}},
    "composed_pairs_far_apart": {
        "sparsifier": TOP,
        "decoder": {"kind": "unit_norm", "groups": [16, 64]},
        "objective": ["nested_mse", "temporal_contrastive"],
        "train": {"lag": [2, 5]},
    },
    "composed_neurons": {
        "encoder": {"kind": "neurons", "nonlinearity": "gelu"},
        "sparsifier": TOP,
        "decoder": "free_norm",
    },
    "composed_gated_neurons": {
        "encoder": "gated_neurons",
        "sparsifier": {"kind": "abs_top_k", "k": 4},
        "decoder": "free_norm",
    },
    "composed_uncentred_free_threshold": {
        "encoder": "uncentred",
        "sparsifier": "free_threshold",
        "decoder": "free_norm",
        "objective": ["mse", {"kind": "scaled_l1", "weight": 0.1}],
    },
    "composed_gated_magnitude": {
        "sparsifier": "gated_magnitude",
        "objective": ["mse", {"kind": "gate_l1", "weight": 0.1}, "gate_mse"],
    },
    "composed_normalised_rows": {
        "encoder": "row_normalised",
        "sparsifier": TOP,
        "skip": "row_statistics",
    },
    "composed_stopping_pursuit": {"encoder": "stopping_pursuit", "sparsifier": TOP},
    "composed_onward_free": {
        "d_in": [8, 8],
        "d_out": [8, 8],
        "encoder": {"kind": "one_site", "sites": 2},
        "sparsifier": TOP,
        "decoder": {"kind": "onward_free", "sites": 2},
    },
    "composed_onward_skip": {
        "d_in": [8, 8],
        "d_out": [8, 8],
        "encoder": {"kind": "one_site", "sites": 2},
        "sparsifier": TOP,
        "decoder": {"kind": "onward", "sites": 2},
        "skip": {"kind": "one_site", "sites": 2},
    },
    "composed_temporal_difference": {
        "sparsifier": TOP,
        "decoder": {"kind": "unit_norm", "groups": [16, 64]},
        "objective": ["nested_mse", "temporal_difference"],
    },
}


def boosted() -> st.Dictionary:
    """The second dictionary of a row, on top of a frozen first one."""
    with tempfile.TemporaryDirectory() as first:
        made("topk").save(first)
        return st.dictionary("sae_boost", d_in=D, width=WIDTH, k=4, first=first)


# What neither a recipe's name nor parts alone make.
OTHERS = {
    "boosted": boosted,
    "with_memory": lambda: st.wrap_stateful(made("topk"), "hysteresis"),
}


def names() -> list[str]:
    """Everything that has golden numbers."""
    return [*(card.name for card in st.recipes()), *COMPOSED, *OTHERS]


def made(name: str) -> st.Dictionary:
    """A small dictionary of a recipe, or one of `COMPOSED` and `OTHERS`."""
    if name in OTHERS:
        return OTHERS[name]()
    if name in COMPOSED:
        parts = {key: value for key, value in COMPOSED[name].items() if key != "train"}
        return st.compose(**{"d_in": D, "width": WIDTH, "name": name, **parts})
    defaults = next(card.defaults for card in st.recipes() if card.name == name)
    k = {"k": 4} if "k" in defaults else {}
    return st.dictionary(name, d_in=D, width=WIDTH, **{**k, **SMALL.get(name, {})})


def kinds(name: str) -> set[tuple[str, str]]:
    """Role and kind of every part, also of parts within parts."""
    written = made(name).to_config()
    found = set()
    for role in ("encoder", "sparsifier", "decoder", "skip"):
        part = written.get(role)
        while part:
            found.add((role, part["kind"]))
            part = part.get("inner")
    return found | {("term", term["kind"]) for term in written["objective"]}


def golden(name: str) -> dict:
    """The losses of every training step, and what the trained dictionary makes of fixed rows."""
    sae = made(name)
    settings = {**TRAIN, **COMPOSED.get(name, {}).get("train", {})}
    with tempfile.TemporaryDirectory() as out:
        run = st.train(sae, source(sae), out=out, **settings)
        lines = run.metrics
    curves = {
        key: [line[key] for line in lines]
        for key in lines[0]
        if key == "fvu" or key.startswith("loss_")
    }
    with torch.no_grad():
        x = planted(60, seed=5).reshape(3, 20, D)
        code = run.dictionary.encode(x)
        decoded = run.dictionary.decode(code)
    return {
        "curves": curves,
        "entries": code.indices.numel(),
        "sum_of_values": code.values.double().sum().item(),
        "sum_of_squares": code.values.double().square().sum().item(),
        "decoded_squares": decoded.double().square().sum().item(),
        "sha256_places": sha256(code.offsets, code.indices),
        "sha256_values": sha256(code.values),
        "sha256_decoded": sha256(decoded),
    }


def planted(rows: int, seed: int = 0, slow: bool = False) -> torch.Tensor:
    """Sparse sums of 40 directions [rows, D]; `slow`: what is on stays on for four rows."""
    directions = torch.randn(40, D, generator=seeds.torch_generator(seed, "planted atoms"))
    directions /= directions.norm(dim=1, keepdim=True)
    generator = seeds.torch_generator(seed, "planted codes")
    on = (torch.rand(rows, 40, generator=generator) < 0.05).float()
    strength = on * (0.5 + torch.rand(rows, 40, generator=generator))
    if slow:
        strength = strength.repeat_interleave(4, 0)[:rows]
    noise = torch.randn(rows, D, generator=seeds.torch_generator(seed, "planted noise"))
    return strength @ directions + 0.01 * noise + 0.3


def source(sae: st.Dictionary):
    """What `train` takes, with all that the dictionary needs."""
    flat = "downstream" in sae.needs
    x = planted(1600, slow=not flat)
    generator = seeds.torch_generator(0, "planted labels")
    fields = {"x": x}
    if "target" in sae.needs:
        out = torch.randn(D, sae.d_out, generator=generator)
        fields["target"] = (x @ out / D**0.5).tanh() + 0.2
    if "gradient" in sae.needs:
        fields["gradient"] = x @ torch.randn(D, D, generator=generator)
    if "labels" in sae.needs:
        fields["labels"] = (x[:, 0] > x[:, 0].median()).long()
    if flat:
        if "earlier" in sae.needs:
            fields["earlier"] = x + 0.05 * torch.randn(x.shape, generator=generator)
        return with_downstream(fields)
    sequences = {key: v.reshape(16, 100, *v.shape[1:]) for key, v in fields.items()}
    return sequences["x"] if len(sequences) == 1 else sequences


def with_downstream(fields: dict[str, torch.Tensor]):
    """Batches, each with a model of two layers whose loss is least at the batch's own rows."""
    generator = seeds.torch_generator(0, "random choice")
    for _ in range(STEPS + 1):
        rows = torch.randint(len(fields["x"]), (BATCH,), generator=generator)
        some = {key: value[rows] for key, value in fields.items()}
        yield st.Batch(**some, downstream=downstream(some.get("target", some["x"])))


def downstream(x: torch.Tensor):
    generator = seeds.torch_generator(0, "planted labels", "downstream")
    weight = torch.randn(x.shape[1], 8, generator=generator)
    wanted = (x @ weight).tanh()
    return lambda replaced: ((replaced @ weight).tanh() - wanted).square().sum(1).mean()


def sha256(*tensors: torch.Tensor) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()


def fingerprint() -> dict:
    """What decides the last bits of float arithmetic: processor, library, threads."""
    wanted = ("avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "avx512_bf16")
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    said = {}
    for line in lines:
        key, _, value = line.partition(":")
        said.setdefault(key.strip(), value.strip())
    flags = said.get("flags", "").split()
    return {
        "machine": platform.machine(),
        "processor": [
            said.get(key, "") for key in ("vendor_id", "cpu family", "model", "model name")
        ],
        "capability": torch.backends.cpu.get_cpu_capability(),
        "flags": [flag for flag in wanted if flag in flags],
        "torch": torch.__version__,
        "numba": numba.__version__,
        "threads": [torch.get_num_threads(), numba.get_num_threads()],
    }


def compiled_here() -> bool:
    """Whether numba compiled a kernel in this process, in place of reading it from its cache.

    The last bits of such a kernel can differ from those of the cached one.
    """
    loops = [module for name, module in sys.modules.items() if ".kernels.loops." in name]
    kernels = [value for module in loops for value in vars(module).values()]
    return any(sum(kernel.stats.cache_misses.values()) for kernel in kernels
               if isinstance(kernel, Dispatcher))  # fmt: skip


@contextmanager
def selection_in_float32():
    """Selection is in the dtype that is fastest here; on the edge, bfloat16 takes other latents."""
    before = precision._kept_ratios
    precision._kept_ratios = lambda kind, machine: {"bfloat16": 1.0}
    try:
        yield
    finally:
        precision._kept_ratios = before


@contextmanager
def one_thread():
    """Sums of several threads depend on how many there are."""
    before = torch.get_num_threads(), numba.get_num_threads()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        numba.set_num_threads(before[1])


def main(wanted: list[str]) -> None:
    with one_thread():
        here = fingerprint()
        kept = json.loads(RECIPES.read_text()) if wanted else {"fingerprint": here, "golden": {}}
        # An entry that was recorded on another processor than the file says which.
        apart = {} if here == kept["fingerprint"] else {"fingerprint": here}
        found = kept["golden"] | {name: {**golden(name), **apart} for name in wanted or names()}
        if compiled_here():
            raise SystemExit("numba compiled kernels; run this again, which reads them from cache")
        ordered = {name: found[name] for name in names() if name in found}
        said = {"version": st.__version__, "fingerprint": kept["fingerprint"]}
    write(RECIPES, {**said, "golden": ordered})


def write(path: Path, value: dict) -> None:
    """As JSON: an entry of `golden` a line, so that a change shows as the lines it is of."""
    head = [f"{json.dumps(key)}: {json.dumps(value[key])}" for key in value if key != "golden"]
    lines = [f" {json.dumps(name)}: {json.dumps(each)}" for name, each in value["golden"].items()]
    body = ",\n".join(lines)
    path.write_text("{\n" + ",\n".join([*head, f'"golden": {{\n{body}\n}}']) + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
