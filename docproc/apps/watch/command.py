"""The command that watches a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from docproc.apps.reading import (
    Device,
    Forms,
    KeepStrips,
    KeyFile,
    LedgerFile,
    MaxError,
    Model,
    OptionsFile,
    PasswordFile,
    Settings,
    ShownLayout,
    Strips,
    Style,
    Workers,
    choose_options,
    choose_vault,
    load_recipe,
)
from docproc.errors import UsageError

watching = typer.Typer()


@watching.command()
def watch(
    inbox: Annotated[str, typer.Argument(metavar="INBOX", help="The folder that scans come into.")],
    out: Annotated[str, typer.Option(help="The .csv, .xlsx or .parquet to write.")],
    done: Annotated[str | None, typer.Option(metavar="FOLDER", help="Where files go that were read.")] = None,
    failed: Annotated[str | None, typer.Option(metavar="FOLDER", help="Where files go that cannot be read.")] = None,
    settle: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds for which a file must look the same before it is read.")
    ] = 5.0,
    rescan: Annotated[
        float, typer.Option(min=1, max=86400, help="Seconds between two looks at the whole folder.")
    ] = 60.0,
    once: Annotated[bool, typer.Option("--once", help="Read what is there, and end.")] = False,
    metrics: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=1, max=65535, help="Serve figures for Prometheus to this computer."),
    ] = None,
    form: Forms = None,
    layout: ShownLayout = None,
    max_error: MaxError = None,
    strips: Strips = False,
    style: Style = None,
    device: Device = "auto",
    workers: Workers = None,
    model: Model = None,
    options: OptionsFile = None,
    settings: Settings = None,
    password_file: PasswordFile = None,
    ledger: LedgerFile = None,
    keep_strips: KeepStrips = "all",
    key: KeyFile = None,
) -> None:
    """Read what is in a folder and what comes into it, until stopped. Killed, the same command goes on."""
    from docproc.apps.watch.filing import Folders
    from docproc.apps.watch.keep import Order, keep_watch
    from docproc.apps.watch.lookout import Pace
    from docproc.flow.job import Job

    if out == "-":
        raise UsageError("watch writes its results to a file that grows; name one with --out")
    chosen = choose_options(options, settings, password_file, max_error=max_error, strips=strips or None, style=style)
    job = Job((inbox,), Path(out), layout or ("wide" if form else "long"), ledger, choose_vault(key, keep_strips))
    order = Order(job, Folders(inbox, done, failed), Pace(settle, rescan, once), metrics)
    raise typer.Exit(keep_watch(order, chosen, lambda: load_recipe(model, device, chosen, form), workers))
