"""SAEBench, lm-eval, PEFT and delphi on objects and files of sparsetime.

    python interop_evaluators.py FOLDER

Runs in the environment of `evaluators.txt`, which has what sparsetime needs too; the last line is
JSON. `benchmarks/interop_evaluators.py` makes the environment and calls this.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

import sparsetime as st

CONTEXT, SEQUENCES, BATCH = 64, 256, 16
D, LAYER, VOCABULARY = 32, 1, 64
COMPUTED = [
    "compute_" + n for n in ("kl", "ce_loss", "l2_norms", "sparsity_metrics", "variance_metrics")
]
RECIPES = {"topk": {"k": 4}, "batch_topk": {"k": 4}, "jumprelu": {"l0": 4.0}}


def hooked_model() -> Any:
    """A small model of TransformerLens with random weights."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    torch.manual_seed(0)
    config = HookedTransformerConfig(
        n_layers=3, d_model=D, n_ctx=CONTEXT, d_head=8, n_heads=4, d_mlp=64, d_vocab=VOCABULARY,
        act_fn="gelu", device="cpu", seed=0,
    )  # fmt: skip
    return HookedTransformer(config)


@torch.no_grad()
def activations(model: Any, tokens: Tensor, hook: str) -> Tensor:
    """What the hook gives, [sequences, time, d]."""
    parts = [model.run_with_cache(some, names_filter=hook)[1][hook] for some in tokens.split(BATCH)]
    return torch.cat(parts)


@torch.no_grad()
def unexplained(x: Tensor, sae: Any) -> float:
    """SAEBench 0.6.0's share of unexplained variance, of what sparsetime reconstructs.

    It divides by mean |x|^2 less the square of the mean x^2, where FVU has that of the mean x.
    Means are of batches, which are equally large.
    """
    rows = x.flatten(0, 1)
    residual = (rows - sae(rows)).square().sum(1).mean()
    batches = rows.unflatten(0, (-1, BATCH * CONTEXT))
    variance = rows.square().sum(1).mean() - batches.square().mean(1).flatten().mean() ** 2
    return float(residual / variance)


def saebench(folder: Path) -> dict[str, Any]:
    """Core metrics by SAEBench's own code and by st.evaluate, on the same activations."""
    from datasets import Dataset
    from sae_bench.evals.core.eval_config import CoreEvalConfig
    from sae_bench.evals.core.main import run_evals
    from sae_bench.sae_bench_utils.general_utils import load_and_format_sae
    from sae_lens.training.activations_store import ActivationsStore

    model, hook = hooked_model(), f"blocks.{LAYER}.hook_resid_post"
    generator = torch.Generator().manual_seed(1)
    # Tokens that follow each other by a rule, so that activations have structure.
    first = torch.randint(VOCABULARY, (SEQUENCES, 1), generator=generator)
    steps = torch.randint(1, 4, (SEQUENCES, CONTEXT), generator=generator).cumsum(1)
    tokens = (first + steps) % VOCABULARY
    x = activations(model, tokens, hook)
    results = {}
    for recipe, settings in RECIPES.items():
        sae = st.dictionary(recipe, d_in=D, width=128, **settings)
        sae = st.train(
            sae, x, out=folder / recipe, rows=200 * 512, batch=512, show=False
        ).dictionary
        module = st.interop.saebench_module(sae, "made", LAYER)
        _, module, _ = load_and_format_sae("ours", module, "cpu")
        module.cfg.metadata.prepend_bos = False
        data = Dataset.from_dict({"tokens": tokens.tolist()})
        store = ActivationsStore.from_sae(
            model, module, dataset=data, context_size=CONTEXT, streaming=False,
            store_batch_size_prompts=BATCH, device="cpu",
        )  # fmt: skip
        config = CoreEvalConfig(
            model_name="made",
            batch_size_prompts=BATCH,
            n_eval_reconstruction_batches=4,
            n_eval_sparsity_variance_batches=SEQUENCES // BATCH,
            context_size=CONTEXT,
            compute_featurewise_weight_based_metrics=True,
            exclude_special_tokens_from_reconstruction=False,
            dataset="made",
            llm_dtype="float32",
            **dict.fromkeys(COMPUTED, True),
        )
        found, _ = run_evals(module, store, model, config)
        here = st.evaluate(sae, x, ["fvu", "l0"], progress=False)
        json.dumps(module.cfg.to_dict())  # which SAEBench saves beside its results
        results[recipe] = {
            "unexplained_there": 1 - found["reconstruction_quality"]["explained_variance"],
            "unexplained_by_its_formula": unexplained(x, sae),
            "fvu_here": here["fvu"].value,
            "l0_there": found["sparsity"]["l0"],
            "l0_here": here["l0"].value,
            "ce_loss_score": found["model_performance_preservation"]["ce_loss_score"],
            "unit_norm": module.check_decoder_norms(),
        }
    return results


def language_model() -> Any:
    return st.testbeds.code_model()


def lm_eval_steering(folder: Path) -> dict[str, float]:
    """Log-likelihoods under lm-eval's steered model, and the same by st.steer."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.hf_steered import SteeredModel

    loaded = language_model()
    site = "model.layers.1"
    width = loaded.model.config.hidden_size
    sae = st.dictionary("topk", d_in=width, width=4 * width, k=8)
    sae.normalisation.scale.fill_(1.5)
    sae.provenance = {"site": site}
    path = st.interop.write_lm_eval_steering(folder / "steer.pt", sae, {3: 1.0, 9: -2.0}, loaded)
    plain_model = SteeredModel.__mro__[1](
        pretrained=loaded.model, tokenizer=loaded.tokenizer, device="cpu"
    )
    steered = SteeredModel(
        pretrained=loaded.model, steer_path=path, tokenizer=loaded.tokenizer, device="cpu"
    )
    text = ("def area(width, height):\n    return", " width * height\n")
    request = [Instance("loglikelihood", {}, text, 0)]
    plain, there = (m.loglikelihood(request)[0][0] for m in (plain_model, steered))
    vector = sae.atoms[3] - 2 * sae.atoms[9]

    def add(_module: Any, _given: Any, output: Any) -> Any:
        first = output[0] if isinstance(output, tuple) else output
        moved = first + 1.5 * vector.detach()
        return (moved, *output[1:]) if isinstance(output, tuple) else moved

    handle = dict(loaded.model.named_modules())[site].register_forward_hook(add)
    here = plain_model.loglikelihood(request)[0][0]
    handle.remove()
    return {"plain": plain, "steered_there": there, "steered_here": here}


@torch.no_grad()
def peft_adapter(folder: Path) -> dict[str, float]:
    """What layers write along atoms with the adapter in PEFT, relative to without."""
    from peft import PeftModel

    loaded = language_model()
    width = loaded.model.config.hidden_size
    sae = st.dictionary("topk", d_in=width, width=4 * width, k=8)
    names = [n for n, m in loaded.model.named_modules() if n.endswith(("down_proj", "o_proj"))]
    names = [n for n in names if getattr(loaded.model.get_submodule(n), "bias", None) is None]
    st.interop.write_peft_adapter(folder / "adapter", sae, [3, 9], loaded, names)
    before = {n: loaded.model.get_submodule(n).weight.clone() for n in names}
    merged = PeftModel.from_pretrained(loaded.model, str(folder / "adapter")).merge_and_unload()
    atoms = sae.atoms[[3, 9]]
    left = max(float((atoms @ merged.get_submodule(n).weight).norm()) for n in names)
    whole = max(float((atoms @ before[n]).norm()) for n in names)
    return {"modules": len(names), "along_atoms": left, "before": whole}


HOOKPOINT = "model.layers.1"


def delphi_latents(folder: Path) -> dict[str, Any]:
    """Latents that delphi caches, of a dictionary in sparsify's format and of a function.

    Compared with the codes of sparsetime on what the same module gives.
    """
    from delphi.latents import LatentCache
    from delphi.sparse_coders import load_hooks_sparse_coders

    loaded = language_model()
    text = Path(json.__file__).with_name("decoder.py").read_text(encoding="utf-8")
    numbers = loaded.tokenizer.encode(text)
    numbers = getattr(numbers, "ids", numbers)
    tokens = torch.tensor(numbers[: len(numbers) // 64 * 64]).reshape(-1, 64)
    tokens = tokens[: len(tokens) // 4 * 4]
    x = outputs_of(loaded.model, tokens)
    answers: dict[str, Any] = {"tokens": tokens.numel()}
    for recipe in ("topk", "batch_topk"):
        sae = st.dictionary(recipe, d_in=x.shape[-1], width=512, k=16)
        sae = st.train(
            sae, x, out=folder / f"run_{recipe}", rows=100 * 512, batch=512, show=False
        ).dictionary
        if recipe == "topk":
            st.convert(sae, folder / "coders" / HOOKPOINT, "sparsify", force=True)
            settings = SimpleNamespace(
                sparse_model=str(folder / "coders"), hookpoints=[HOOKPOINT], random=False
            )
            hooks, transcode = load_hooks_sparse_coders(loaded.model, settings)
        else:  # delphi takes any function to dense latents
            hooks, transcode = {HOOKPOINT: st.interop.saebench_module(sae, "x", 1).encode}, False
        cache = LatentCache(loaded.model, hooks, batch_size=4, transcode=transcode)
        cache.run(tokens.numel(), tokens)
        place = cache.cache.latent_locations[HOOKPOINT].long()
        there = torch.zeros(*tokens.shape, sae.width)
        there[tuple(place.T)] = cache.cache.latent_activations[HOOKPOINT].float()
        here = sae.encode(x).dense() * sae.output_normalisation.scale
        here = here * (here > 1e-5)  # below which delphi leaves latents out
        answers[recipe] = {
            "entries": int((there != 0).sum()),
            "support": int(((there != 0) != (here != 0)).sum()),
            "values": float((there - here).abs().max() / here.max()),
        }
    return answers


@torch.no_grad()
def outputs_of(model: Any, tokens: Tensor) -> Tensor:
    """What the module at the hookpoint gives, [sequences, time, d]."""
    seen: list[Tensor] = []

    def keep(_module: Any, _given: Any, output: Any) -> None:
        seen.append(output[0] if isinstance(output, tuple) else output)

    handle = model.get_submodule(HOOKPOINT).register_forward_hook(keep)
    for some in tokens.split(4):
        model(some)
    handle.remove()
    return torch.cat(seen)


if __name__ == "__main__":
    out = Path(sys.argv[1])
    answers: dict[str, Any] = {}
    for part in (saebench, lm_eval_steering, peft_adapter, delphi_latents):
        try:
            answers[part.__name__] = part(out / part.__name__)
        except Exception as error:  # what a library says is the finding
            traceback.print_exc()
            answers[part.__name__] = {"refused": f"{type(error).__name__}: {error}"}
    print(json.dumps(answers))
