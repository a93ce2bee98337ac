"""The command line: flags in, exit codes out. What it calls is imported by the command that needs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import docproc
from docproc.apps.forms import forms
from docproc.apps.laboratory import Device, Model, laboratory
from docproc.errors import FAILURES, DocprocError, InputError, UsageError

if TYPE_CHECKING:
    from docproc.options import Options, Recipe
    from docproc.recognize.models import Models
    from docproc.types import Form

app = typer.Typer(
    name="docproc",
    help="Reads handwritten numbers from scanned forms, and says how sure it is.",
    epilog="Exit codes: 0 all read, 8 some pages failed, 130 stopped (run again to go on), others are errors.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

OptionsFile = Annotated[Path | None, typer.Option("--options", help="Reading options as a TOML file.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One reading option.")]
Strips = Annotated[bool, typer.Option("--strips", help="Each image is one field, already cut out.")]
Style = Annotated[
    Literal["auto", "american", "european"] | None, typer.Option(help="How 1 and 7 are written; auto asks each page.")
]
Forms = Annotated[
    list[Path] | None, typer.Option("--form", metavar="FORM.toml", help="The form that pages lie on; may be repeated.")
]
MaxError = Annotated[float | None, typer.Option(help="Share of wrong values to expect among those not flagged.")]


def main() -> None:
    """Run the command line; errors that were foreseen are one message, others keep their traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except DocprocError as error:
        print(f"docproc: {error}", file=sys.stderr)
        sys.exit(error.code)


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
    layout: Annotated[
        Literal["long", "wide"] | None,
        typer.Option(help="One row a field (long) or one row a document (wide); wide if there is a form."),
    ] = None,
    max_error: MaxError = None,
    strips: Strips = False,
    style: Style = None,
    device: Device = "auto",
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that prepare pages: one a core; 0 works without.")
    ] = None,
    model: Model = None,
    options: OptionsFile = None,
    settings: Settings = None,
    ledger: Annotated[
        Path | None, typer.Option(help="Where to remember what was read; beside the CSV if left out.")
    ] = None,
) -> None:
    """Read pages into a CSV. Stopped or killed, the same command goes on where it was."""
    from functools import partial

    from docproc.apps.progress import show_progress
    from docproc.apps.summary import describe
    from docproc.flow.job import Job, check_outputs
    from docproc.flow.job import run as run_job
    from docproc.flow.mappers import choose_mapper
    from docproc.flow.signals import catch_stops
    from docproc.pages.sources import find, survey

    chosen = _choose_options(options, settings, max_error=max_error, strips=strips or None, style=style)
    layout = layout or ("wide" if form else "long")
    job = Job(tuple(inputs), None if out == "-" else Path(out), layout, ledger)
    with catch_stops() as stopping:
        check_outputs(job)
        models, recipe = _load(model, device, chosen, form)
        from docproc.flow.pipeline import read

        crew = _count_cores() if workers is None else workers
        with choose_mapper(crew, chosen.page_seconds, chosen.worker_megabytes) as mapper, show_progress() as progress:
            summary = run_job(
                job,
                recipe,
                find,
                partial(survey, options=chosen),
                mapper,
                partial(
                    read,
                    recipe=recipe,
                    mapper=mapper,
                    classify=models.classifier.classify,
                    read_lines=models.line_reader.read,
                ),
                progress,
                stopping,
            )
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
) -> None:
    """Write one picture a stage: what docproc saw on a page, and how it read it."""
    from docproc.pages.sources import survey
    from docproc.types import PageRef

    chosen = _choose_options(options, settings, max_error=max_error, strips=strips or None, style=style)
    document = survey(page, chosen)
    if document.failure is not None:
        meaning, remedy = FAILURES[document.failure.code]
        raise InputError(f"{page}: {meaning} {document.failure.detail}; {remedy}")
    if not 1 <= number <= document.pages:
        raise InputError(f"{page}: {document.skipped or f'it has {document.pages} pages'}; choose another page or file")
    models, recipe = _load(model, device, chosen, form)
    from docproc.flow.inspect import inspect as draw

    for path in draw(
        PageRef(page, document.digest, number), recipe, models.classifier.classify, models.line_reader.read, out
    ):
        print(path)


app.add_typer(laboratory)
app.add_typer(forms, name="form")


def _choose_options(file: Path | None, settings: list[str] | None, **given: object) -> Options:
    from docproc.options import load_options

    return load_options(file, tuple(settings or ()), **given)


def _load(model: Path | None, device: str, options: Options, forms: list[Path] | None) -> tuple[Models, Recipe]:
    from docproc.options import Recipe
    from docproc.recognize.models import load_models

    known: tuple[Form, ...] = ()
    if forms:
        from docproc.flow.forms import load_forms

        if options.strips:
            raise UsageError("--form reads whole pages and --strips single fields; leave one of them out")
        known = load_forms(forms, options)
    models = load_models(model, device)
    return models, Recipe(options, models.digest, models.calibration, known)


def _count_cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    main()
