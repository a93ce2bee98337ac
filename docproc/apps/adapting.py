"""The command that learns from what people said of a batch. `cli` puts it beside the others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from docproc.apps.reading import KeyFile, LedgerFile, choose_vault, find_ledger
from docproc.errors import InputError, ModelError, UsageError

adapting = typer.Typer()


@adapting.command()
def adapt(
    results: Annotated[
        Path | None, typer.Argument(metavar="RESULTS", help="The results that docproc run or watch wrote.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of this site's models; made if it is not there.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The training digits, as for docproc train.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Takes the tables, and the held-out fields that change.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Install what is not worse without asking.")] = False,
    back: Annotated[bool, typer.Option("--back", help="Go back to the model that was in use before.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another seed holds out other pages.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes that make the digits.")] = 2,
    ledger: LedgerFile = None,
    key: KeyFile = None,
) -> None:
    """Learn a site's handwriting from reviewed values; what is worse anywhere is not installed."""
    if model is None:
        raise UsageError("--model is missing: name the folder of this site's models")
    if back:
        if results is not None:
            raise UsageError("--back looks at no results; leave RESULTS out")
        from docproc.train.adapt_install import go_back

        left, taken = go_back(model)
        print(f"{model} uses model {taken} again; model {left} stays beside it")
        return
    if results is None:
        raise UsageError("RESULTS is missing: name the results that people reviewed, or go --back")
    if data is None:
        raise InputError("the training digits are rehearsed, and measured on; name their folder with --data")
    from docproc.records.about import find_about
    from docproc.records.atomic import check_target
    from docproc.records.ledger import last_run, visit_ledger
    from docproc.records.looked import list_looked
    from docproc.train.adapt import Plan, recall_options
    from docproc.train.adapt import adapt as learn
    from docproc.train.adapt_install import find_model, install
    from docproc.train.adapt_report import render_adaptation, write_report

    if report is not None:
        check_target(report)
    present = find_model(model)
    with visit_ledger(find_ledger(results, ledger), choose_vault(key)) as opened:
        recipe = last_run(opened).recipe
        options = recall_options(find_about(opened, recipe))
        pages = list(list_looked(opened, recipe))
    with learn(pages, options, present, data, model / "sets", Plan(seed=seed), workers) as made:
        print(render_adaptation(made))
        if report is not None:
            write_report(made, report)
            print(f"the fields that change are in {report}")
        if made.reasons:
            raise ModelError(f"nothing was installed, {model} is as it was; review more pages and adapt again")
        if not yes and not _agree(model):
            print(f"nothing was installed, {model} is as it was")
            return
        weights = install(made.weights, model)
    print(f"installed as {weights.parent}; use it with --model {model}")
    print(f"one command back: docproc adapt --back --model {model}")


def _agree(model: Path) -> bool:
    """Ask on a terminal; without one nothing is agreed to."""
    if not sys.stdin.isatty():
        print("nobody can be asked here; --yes installs without asking")
        return False
    return typer.confirm(f"install it in {model}?", default=False)
