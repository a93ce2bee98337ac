"""The command line: flags in, exit codes out. What it calls is imported by the command that needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import docproc
from docproc.apps.adapting import adapting
from docproc.apps.auditing import auditing
from docproc.apps.forms import forms
from docproc.apps.keys import keys
from docproc.apps.laboratory import laboratory
from docproc.apps.ledger import ledgers
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
    open_means,
)
from docproc.apps.review.command import review
from docproc.apps.terminal import end_output, open_streams
from docproc.apps.watch.command import watching
from docproc.errors import FAILURES, NO_SPACE, DocprocError, InputError

app = typer.Typer(
    name="docproc",
    help="Reads handwritten numbers from scanned forms, and says how sure it is.",
    epilog="Exit codes: 0 all read, 8 some pages failed, 130 stopped (run again to go on), others are errors.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line; errors that were foreseen are one message, others keep their traceback."""
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except SystemExit as ended:
        sys.exit(end_output() or ended.code)
    except DocprocError as error:
        print(f"docproc: {error}", file=sys.stderr)
        end_output()
        sys.exit(error.code)
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        sys.exit(end_output(error))


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"docproc {docproc.__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Hold the options that come before a command."""


@app.command()
def run(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders or patterns.")],
    out: Annotated[str, typer.Option(help="The .csv, .xlsx or .parquet to write; - writes CSV to standard output.")],
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
    """Read pages into a CSV. Stopped or killed, the same command goes on where it was."""
    from functools import partial

    from docproc.apps.progress import show_progress
    from docproc.apps.summary import describe
    from docproc.flow.job import Job, check_outputs
    from docproc.flow.job import run as run_job
    from docproc.flow.signals import catch_stops
    from docproc.pages.sources import find, survey

    chosen = choose_options(options, settings, password_file, max_error=max_error, strips=strips or None, style=style)
    layout = layout or ("wide" if form else "long")
    job = Job(tuple(inputs), None if out == "-" else Path(out), layout, ledger, choose_vault(key, keep_strips))
    with catch_stops() as stopping:
        check_outputs(job)
        models, recipe = load_recipe(model, device, chosen, form)
        look = partial(survey, options=chosen)
        with open_means(models, recipe, workers) as means, show_progress() as progress:
            summary = run_job(job, recipe, find, look, means.mapper, means.reader, progress, stopping)
    for line in describe(summary, job.out):
        print(line, file=sys.stderr)
    raise typer.Exit(summary.code)


@app.command()
def inspect(
    page: Annotated[str, typer.Argument(help="An image or PDF.")],
    out: Annotated[Path, typer.Option(help="The folder for the pictures.")],
    number: Annotated[int, typer.Option(min=1, help="Which page of the file.")] = 1,
    form: Forms = None,
    max_error: MaxError = None,
    strips: Strips = False,
    style: Style = None,
    device: Device = "auto",
    model: Model = None,
    options: OptionsFile = None,
    settings: Settings = None,
    password_file: PasswordFile = None,
) -> None:
    """Write one picture a stage: what docproc saw on a page, and how it read it."""
    from docproc.pages.scratch import open_scratch
    from docproc.pages.sources import survey
    from docproc.types import PageRef

    chosen = choose_options(options, settings, password_file, max_error=max_error, strips=strips or None, style=style)
    document = survey(page, chosen)
    if document.failure is not None:
        meaning, remedy = FAILURES[document.failure.code]
        raise InputError(f"{page}: {meaning} {document.failure.detail}; {remedy}")
    if not 1 <= number <= document.pages:
        raise InputError(f"{page}: {document.skipped or f'it has {document.pages} pages'}; choose another page or file")
    models, recipe = load_recipe(model, device, chosen, form)
    from docproc.flow.inspect import inspect as draw

    ref = PageRef(page, document.digest, number)
    with open_scratch():
        paths = draw(ref, recipe, models.classifier.classify, models.line_reader.read, out)
    for path in paths:
        print(path)


app.add_typer(watching)
app.add_typer(ledgers)
app.command()(review)
app.add_typer(auditing)
app.add_typer(keys, name="key")
app.add_typer(laboratory)
app.add_typer(adapting)
app.add_typer(forms, name="form")


if __name__ == "__main__":
    main()
