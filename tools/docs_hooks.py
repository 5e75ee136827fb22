"""Content of the docs that is generated from the code while mkdocs builds the pages.

A page asks for it with a comment: `<!-- generated: recipes -->`, and so on for every key of
`GENERATED`. Some take an argument: `<!-- generated: claim delta -->` is the picture and the verdict
of one claim, `<!-- generated: reference metrics -->` the reference of one namespace.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import field_benchmarks
from supported import table

from sparsetime.reports.dot_plot import dot_plot

ROOT = Path(__file__).parents[1]
VERDICTS = ("holds", "fails", "undecided")
MARK = re.compile(r"<!-- generated: (\w+)(?: ([\w.]+))? -->")
FETCHED = re.compile(r"""(?:<link[^>]+?href|\bsrc)=["']?(?:https?:)?//[^"' >]+""")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs for every page. Errors: KeyError for a mark that nothing fills."""
    return MARK.sub(lambda mark: GENERATED[mark[1]](*filter(None, [mark[2]])), markdown)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Called by mkdocs for every built page. Errors: ValueError where it fetches from elsewhere."""
    fetched = FETCHED.findall(output)
    if fetched:
        raise ValueError(f"{page.file.src_path} fetches from another host: {', '.join(fetched)}")
    return output


def recipes() -> str:
    """A section for each recipe of every kind, from its card; kinds have headings if several."""
    from sparsetime.registry import recipe_kinds
    from sparsetime.registry import recipes as cards

    kinds = recipe_kinds()
    heading = {kind: [f"# Recipes of kind {kind}", ""] if len(kinds) > 1 else [] for kind in kinds}
    return "\n".join(line for kind in kinds for line in [*heading[kind], *map(_card, cards(kind))])


def claims() -> str:
    """A table of all claims with their latest results, then a section for each."""
    from sparsetime.claims.claim import claims as all_claims
    from sparsetime.claims.verdicts.results import latest_records
    from sparsetime.claims.verdicts.standing import standings

    records = latest_records()
    listed = standings(all_claims(), records)
    lines = [
        "| claim | row | verdict | record stands | observed if it holds |",
        "|---|---|---|---|---|",
    ]
    for standing in listed:
        claim, record = standing.claim, standing.record
        verdict = record.verdict if record else "not checked"
        row = "" if claim.system is None else claim.system
        link = f"[`{claim.name}`](#{claim.name})"
        stands = "yes" if standing.stands else "no"
        lines.append(f"| {link} | {row} | {verdict} | {stands} | {claim.says} |")
    counts = Counter(standing.record.verdict for standing in listed if standing.record)
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    valid = sum(standing.stands for standing in listed)
    summary = f"Of {counts.total()} claims: {verdicts}. {valid} of the records stand."
    return "\n".join([summary, "", *lines, "", *(_claim(one, records) for one in listed)])


def claim(name: str) -> str:
    """A claim's verdict, picture and expectations. Errors: KeyError where it was not checked."""
    from sparsetime.claims.claim import claims as every
    from sparsetime.claims.verdicts.results import latest_records

    chosen = next(claim_ for claim_ in every() if claim_.name == name)
    record = latest_records()[name]
    lines = [
        f"**Expected:** {chosen.says}",
        "",
        f"**Found: {record.verdict}**, on {chosen.data} ([all values](claims.md#{name})).",
        "",
        dot_plot(record.values, f"The values of the claim {name}, a dot a seed"),
        "",
        *_judged(record),
    ]
    return "\n".join([*lines, ""])


def reference(namespace: str = "") -> str:
    """A directive of mkdocstrings for each public name of `st`, or of one namespace of it.

    The names and their modules are read from the stub of the package, which is what users import.
    A namespace that is a single file, such as `errors`, is one directive.
    """
    package = ".".join(filter(None, ["sparsetime", namespace]))
    folder = ROOT.joinpath(*package.split("."))
    if folder.with_suffix(".py").is_file():
        return f"::: {package}"
    return "\n\n".join(f"::: {home}" for home in sorted(_homes(package, folder), key=_last_name))


def namespaces() -> str:
    """A table of the namespaces of `st`, with the first line of the docstring of each."""
    lines = [
        f"| [`st.{name}`](reference/{name}.md) | {_first_line(path)} |"
        for name, path in sorted(_namespaces().items())
    ]
    return "\n".join(["| namespace | holds |", "|---|---|", *lines])


def _namespaces() -> dict[str, str]:
    """The dotted path below `sparsetime` of each namespace of `st`: a room, or one of its files."""
    stub = ast.parse((ROOT / "sparsetime" / "__init__.pyi").read_text("utf-8"))
    found = {}
    for node in stub.body:
        for alias in node.names if isinstance(node, ast.ImportFrom) else ():
            path = ".".join(filter(None, [node.module, alias.name]))
            file = ROOT.joinpath("sparsetime", *path.split(".")).with_suffix(".py")
            if node.module is None or file.is_file():
                found[alias.name] = path
    return found


def _homes(package: str, folder: Path) -> list[str]:
    """The full name of each public name of a package, at the module that defines it."""
    stub = folder / "__init__.pyi"
    source = stub if stub.is_file() else folder / "__init__.py"
    is_root = package == "sparsetime"
    return [
        ".".join(filter(None, [package if node.level else "", node.module, alias.name]))
        for node in ast.parse(source.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if not (is_root and alias.name in _namespaces())
    ]


def _first_line(namespace: str) -> str:
    path = ROOT.joinpath("sparsetime", *namespace.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return (ast.get_docstring(ast.parse(source.read_text("utf-8"))) or "").partition("\n")[0]


def _last_name(path: str) -> str:
    return path.rpartition(".")[2].casefold()


def _card(card: Any) -> str:
    kinds = card.components.items()
    settings = [f"| `{name}` | `{value!r}` |" for name, value in card.defaults.items()]
    return "\n".join(
        [
            f"## `{card.name}`",
            "",
            f"**{card.title}.** {card.idea}",
            "",
            f"- **Paper:** {card.paper}",
            f"- **Claim of the paper:** {card.claim}",
            f"- **Cost:** {card.cost}",
            f"- **Needs:** {', '.join([card.reads, *sorted(card.needs)])}",
            f"- **Components:** {', '.join(f'{role} `{kind}`' for role, kind in kinds)}",
            f"- **Where the defaults come from:** {card.source_of_defaults}",
            "",
            "| setting | default |",
            "|---|---|",
            *settings,
            "",
            inspect.getdoc(card.make) or "",
            "",
        ]
    )


def _claim(standing: Any, records: Mapping[str, Any]) -> str:
    checked, record = standing.claim, standing.record
    under_null = records.get(checked.under_null().name) if checked.null else None
    lines = [
        f"## `{checked.name}` {{#{checked.name}}}",
        "",
        checked.says,
        "",
        *([f"- **Rule of its row:** {checked.rule}"] if checked.rule else []),
        f"- **Checked on:** {checked.data}",
    ]
    if record is None:
        return "\n".join([*lines, "- **Verdict:** not checked", ""])
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    lines += [
        f"- **Verdict:** {record.verdict}, {record.date[:10]}, {len(record.seeds)} seeds, "
        f"{record.seconds:.0f} s on {record.machine['cores']} cores",
        *([f"- **Notes:** {checked.notes}"] if checked.notes else []),
        *([f"- **Under its null:** {under_null.verdict}"] if under_null else []),
        f"- **Versions:** {versions}",
        f"- **Record:** {'; '.join(standing.reasons) or 'stands'}",
        "",
        dot_plot(record.values, f"The values of the claim {checked.name}, a dot a seed"),
        "",
        *_judged(record),
    ]
    lines += ["", "| value | mean ± deviation | by seed |", "|---|---|---|"]
    for name, by_seed in record.values.items():
        mean, spread = record.spread(name)
        seeds = ", ".join(f"{value:.4g}" for value in by_seed)
        lines.append(f"| {name} | {mean:.4g} ± {spread:.2g} | {seeds} |")
    return "\n".join([*lines, ""])


def _judged(record: Any) -> list[str]:
    return ["| expected | margin | verdict |", "|---|---|---|"] + [
        f"| {judged.expectation} | {judged.mean:.3g} ± {judged.error:.2g} | {judged.verdict} |"
        for judged in record.judgements
    ]


GENERATED: dict[str, Callable[..., str]] = {
    "claim": claim,
    "claims": claims,
    "kept": field_benchmarks.kept,
    "namespaces": namespaces,
    "recipes": recipes,
    "reference": reference,
    "supported": table,
    "synthsae": field_benchmarks.synthsae,
    "tempbench": field_benchmarks.tempbench,
    "tempbench_ranks": field_benchmarks.tempbench_ranks,
}
