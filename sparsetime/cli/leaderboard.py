"""The command that compares recipes on the testbeds: leaderboard."""

from __future__ import annotations

from typing import Annotated

import typer

from sparsetime.cli.app import app
from sparsetime.cli.options import Config, Out, Sets, given, say, stdout, table


@app.command()
def leaderboard(
    config: Config = None,
    out: Out = None,
    small: Annotated[
        bool, typer.Option("--small", help="A grid that two cores finish in twenty minutes.")
    ] = False,
    recipe: Annotated[
        list[str] | None, typer.Option(help="A recipe that takes part. Repeatable.")
    ] = None,
    bed: Annotated[
        list[str] | None,
        typer.Option(help="A testbed: synthetic, python, prose, series. Repeatable."),
    ] = None,
    width: Annotated[list[int] | None, typer.Option(help="Features. Repeatable.")] = None,
    k: Annotated[list[int] | None, typer.Option(help="Active features. Repeatable.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="A seed. Repeatable.")] = None,
    rows: Annotated[int | None, typer.Option(help="Rows that each dictionary learns from.")] = None,
    sets: Sets = None,
) -> None:
    """Train recipes at equal budgets on testbeds, and write a page that compares them.

    Every dictionary is measured on sequences that were held out, and compared at equal L0 and FVU
    only. An interrupted command resumes when repeated, and a larger grid adds to a smaller one.

    \b
    Examples:
      sparsetime leaderboard --small --out runs/board
      sparsetime leaderboard --small --bed series --out runs/board
      sparsetime leaderboard --recipe batch_topk --recipe slow_fast --bed synthetic \\
        --width 512 --k 8 --k 16 --seed 0 --seed 1 --rows 100000 --out runs/two
      sparsetime leaderboard --config run.yaml --set train.batch=1024
    """
    from sparsetime import leaderboard as run
    from sparsetime import report
    from sparsetime.cli.run_file import LeaderboardSection
    from sparsetime.comparison.recipe_comparison import rankings
    from sparsetime.comparison.reseed_noise import noisy_difference, reseed_noise
    from sparsetime.comparison.settings import SMALL, LeaderboardSettings
    from sparsetime.config import merged, read_config

    flags = given(
        sets,
        out=out,
        recipes=recipe,
        beds=None if small else bed,
        widths=width,
        ks=k,
        seeds=seed,
        **{"train.rows": rows},
    )
    if small:
        small_beds = SMALL["beds"]
        named = {
            name: small_beds.get(name, {}) for name in bed or small_beds
        }  # a testbed stays a small one
        flags = merged({**SMALL, "beds": named}, flags)
    chosen = read_config(config, LeaderboardSection, flags, section="leaderboard")
    settings = {name: getattr(chosen, name) for name in LeaderboardSettings.model_fields}
    board = run(chosen.out, **settings)
    for standing in rankings(board):
        shown = table(
            "recipe", f"FVU at L0 {standing.l0:.1f}", "reseed noise", "from the one above"
        )
        above: tuple[float, ...] | None = None
        for name, values in standing.fvu.items():
            noise = reseed_noise(values)
            shown.add_row(
                name,
                f"{sum(values) / len(values):.4f}",
                "one seed" if noise is None else f"{noise:.2g}",
                "" if above is None else noisy_difference(values, above).verdict,
            )
            above = values
        stdout().print(f"\n{standing.bed}, width {standing.width:,}")
        stdout().print(shown)
    say(f"{report(chosen.out)}: open it in a browser")
