"""Commands that ask the ledger: how things stand, the results once more, and which pictures to forget."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from docproc.apps.diff import diff
from docproc.apps.reading import LedgerFile, Results, ShownLayout, find_ledger
from docproc.apps.why import why
from docproc.errors import Exit, LedgerError

ledgers = typer.Typer()


@ledgers.command()
def status(
    results: Results,
    ledger: LedgerFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    alive: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="Only say whether a watcher has given a sign of life since."),
    ] = None,
) -> None:
    """Say how the results stand: files, pages, fields, the queue, failures, and who reads."""
    from docproc.apps.standing import describe_heart, describe_status, dump_status
    from docproc.records.ledger import visit_ledger
    from docproc.records.status import find_heart, take_status

    with visit_ledger(find_ledger(results, ledger)) as opened:
        if alive is not None:
            heart = find_heart(opened)
            print(describe_heart(heart))
            lives = heart is not None and heart.is_alive(alive)
            raise typer.Exit(Exit.OK if lives else Exit.NOT_ALIVE)
        found = take_status(opened)
        name = opened.name
    print(dump_status(found) if json else "\n".join(describe_status(found, name)))


@ledgers.command()
def export(
    results: Results,
    out: Annotated[str, typer.Option(help="The .csv, .xlsx or .parquet to write; - writes CSV to standard output.")],
    layout: ShownLayout = None,
    read_values: Annotated[
        bool, typer.Option("--read-values", help="Add columns with what was read, and who settled it.")
    ] = False,
    ledger: LedgerFile = None,
) -> None:
    """Write the results once more, in any format and layout, without reading a page."""
    from docproc.apps.terminal import printable
    from docproc.flow.job import Job, check_outputs, put_out
    from docproc.records.ledger import last_run, visit_ledger

    path = find_ledger(results, ledger)
    target = None if out == "-" else Path(out)
    with visit_ledger(path) as opened:
        run = last_run(opened)
        job = Job((), target, layout or ("wide" if run.layout == "wide" else "long"), path)
        check_outputs(job)
        written = put_out(opened, run.recipe, job, read_values=read_values)
    if written is not None:
        if written != target:
            print(f"{printable(str(target))} is in use by another program and stays as it was", file=sys.stderr)
        print(f"results are in {printable(str(written))}", file=sys.stderr)


ledgers.command()(why)
ledgers.command()(diff)


@ledgers.command()
def purge(
    results: Results,
    keep_strips: Annotated[
        Literal["flagged", "none"], typer.Option(help="Which fields keep their picture: those to look at, or none.")
    ],
    older_than: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Only of pages that were read so long ago.")
    ] = None,
    ledger: LedgerFile = None,
) -> None:
    """Forget pictures of fields for good; values, confidences and places stay."""
    from docproc.records.ledger import visit_ledger
    from docproc.records.purge import purge as forget

    with visit_ledger(find_ledger(results, ledger)) as opened:
        purged = forget(opened, keep_strips, older_than)
    gone = "picture of a field is" if purged.strips == 1 else "pictures of fields are"
    kept = "picture is" if purged.kept == 1 else "pictures are"
    print(f"{purged.strips:,} {gone} gone, {purged.bytes:,} bytes; {purged.kept:,} {kept} kept")
    if purged.held_by is not None:
        raise LedgerError(
            f"their bytes may still be in the ledger's files, which {purged.held_by} has open: "
            "run the same command again when it is idle or has ended"
        )
