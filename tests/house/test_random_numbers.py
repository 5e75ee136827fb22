"""Every random number comes from a named stream of `sparsetime/seeds.py`.

The rule is for the package, the benchmarks, and those helpers of the tests that plant what a
dictionary is compared with. A test may seed a generator of its own for tensors without a truth.
Left out are workers that run in another library's environment, which has no sparsetime, and the
script that 0.1.0 wrote the fixture with.
"""

import ast
from pathlib import Path

import pytest

import sparsetime
from sparsetime.seeds import STREAMS

PACKAGE = Path(sparsetime.__file__).parent
ROOT = PACKAGE.parent
SOURCE = PACKAGE / "seeds.py"
PEERS = {
    path.name for path in (ROOT / "benchmarks/peers").glob("*.py") if "sparsetime" not in path.name
}
# Of the tests' helpers, these make models, whose weights are no truth of a dictionary.
MODELS = {"toy_models.py", "toy_signals.py", "small_model.py"}
HELPERS = [
    path
    for folder in (ROOT / "tests", ROOT / "tests/golden")
    for path in sorted(folder.glob("*.py"))
    if not path.name.startswith("test_") and path.name not in MODELS
]
FILES = [
    path
    for path in [*sorted(PACKAGE.rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py"))]
    if path != SOURCE and path.name not in PEERS
] + HELPERS
MAKERS = {"numpy_generator", "torch_generator", "torch_globals", "integer"}
# Whatever makes or seeds a generator, of torch, numpy or the standard library.
REFUSED = {"manual_seed", "manual_seed_all", "seed_all", "default_rng", "RandomState"}
REFUSED |= {"SeedSequence", "Generator", "PCG64", "Philox", "MT19937", "fork_rng", "Random"}
DRAWN = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson"}
DRAWN_IN_PLACE = {"normal_", "uniform_", "exponential_", "bernoulli_", "random_", "cauchy_"}
WITHOUT_GENERATOR = {"rand_like", "randn_like", "randint_like", "dropout", "Dropout"}


def dotted(node):
    """`torch.random.fork_rng` of a name or an attribute; "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def faults(text):
    """Line and source of everything that draws from a generator that seeds.py did not make."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = {alias.name for alias in node.names}
            module = getattr(node, "module", None)
            if "random" in named or module in {"random", "numpy.random"}:
                yield node.lineno, ast.unparse(node)
        if not isinstance(node, ast.Call):
            continue
        name, keywords = dotted(node.func), {one.arg: one.value for one in node.keywords}
        last = name.rpartition(".")[2]
        if isinstance(node.func, ast.Attribute) and not name:
            last = node.func.attr
        owner = name.removesuffix(f".{last}")
        wrong = last in REFUSED or last in WITHOUT_GENERATOR
        wrong |= owner in {"np.random", "numpy.random"}
        wrong |= owner == "torch" and last in DRAWN and "generator" not in keywords
        wrong |= last in DRAWN_IN_PLACE and "generator" not in keywords
        state = keywords.get("random_state")
        wrong |= state is not None and not ast.unparse(state).startswith("seeds.integer(")
        if wrong:
            yield node.lineno, ast.unparse(node)


@pytest.mark.parametrize(
    "text",
    [
        "torch.Generator().manual_seed(seed)",
        "torch.manual_seed(0)",
        "np.random.default_rng(seed)",
        "np.random.shuffle(rows)",
        "import random",
        "from numpy.random import default_rng",
        "torch.randn(3, d)",
        "torch.empty(3).normal_()",
        "torch.rand_like(x)",
        "KMeans(random_state=seed)",
        "np.random.SeedSequence([seed, n])",
    ],
)
def test_the_rule_finds(text):
    assert list(faults(text))


@pytest.mark.parametrize(
    "text",
    [
        'torch.randn(3, d, generator=seeds.torch_generator(seed, "planted atoms"))',
        "def draw(rng: np.random.Generator) -> float: return rng.random()",
        'Tree(random_state=seeds.integer(0, "decision tree"))',
        "random.standard_normal(3)",
    ],
)
def test_the_rule_allows(text):
    assert not list(faults(text))


def test_nothing_makes_a_generator_but_seeds():
    found = {
        f"{path.relative_to(ROOT)}:{line}: {source}"
        for path in FILES
        for line, source in faults(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def names_used():
    """The names of streams in calls of seeds.py, by file; None for one that is no literal."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and dotted(node.func) in {f"seeds.{m}" for m in MAKERS}:
                name = node.args[1] if len(node.args) > 1 else None
                literal = isinstance(name, ast.Constant)
                yield str(path.relative_to(ROOT)), name.value if literal else None


def test_every_name_of_a_stream_is_registered_and_used():
    used = list(names_used())
    assert [file for file, name in used if name not in STREAMS] == []
    assert {name for _, name in used} == set(STREAMS)


def test_two_files_of_the_package_share_no_stream_but_those_of_planted_data():
    """Two uses of one stream with one seed draw the same numbers."""
    homes = {}
    for file, name in names_used():
        if file.startswith("sparsetime/") and not file.startswith("sparsetime/claims/"):
            homes.setdefault(name, set()).add(file)
    shared = {name: sorted(files) for name, files in homes.items() if len(files) > 1}
    assert shared == {
        # Models of testbeds, which are not compared; trained ones have their name as a key.
        "initial weights of a testbed": [
            "sparsetime/testbeds/python_code/model.py",
            "sparsetime/testbeds/series/model.py",
            "sparsetime/testbeds/trained/trained_model.py",
        ]
    }
