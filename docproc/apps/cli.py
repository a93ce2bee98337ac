"""The command line: flags in, exit codes out. What it calls is imported by the command that needs it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import docproc
from docproc.errors import FAILURES, DocprocError, InputError

if TYPE_CHECKING:
    from docproc.options import Options, Recipe
    from docproc.recognize.classifier import Classifier

app = typer.Typer(
    name="docproc",
    help="Reads handwritten numbers from scanned forms, and says how sure it is.",
    epilog="Exit codes: 0 all read, 8 some pages failed, 130 stopped (run again to go on), others are errors.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Device = Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where the network runs.")]
Model = Annotated[Path | None, typer.Option(help="Weights other than the shipped ones.")]
OptionsFile = Annotated[Path | None, typer.Option("--options", help="Reading options as a TOML file.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One reading option.")]
Strips = Annotated[bool, typer.Option("--strips", help="Each image is one field, already cut out.")]
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
    out: Annotated[str, typer.Option(help="The CSV to write; - writes it to standard output.")],
    layout: Annotated[
        Literal["long", "wide"], typer.Option(help="One row a field (long) or one row a page (wide).")
    ] = "long",
    max_error: MaxError = None,
    strips: Strips = False,
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

    chosen = _choose_options(options, settings, max_error, strips)
    job = Job(tuple(inputs), None if out == "-" else Path(out), layout, ledger)
    with catch_stops() as stopping:
        check_outputs(job)
        classifier, recipe = _load(model, device, chosen)
        from docproc.flow.pipeline import read

        crew = _count_cores() if workers is None else workers
        with choose_mapper(crew, chosen.page_seconds, chosen.worker_megabytes) as mapper, show_progress() as progress:
            summary = run_job(
                job,
                recipe,
                find,
                partial(survey, options=chosen),
                mapper,
                partial(read, recipe=recipe, mapper=mapper, classify=classifier.classify),
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
    max_error: MaxError = None,
    strips: Strips = False,
    device: Device = "auto",
    model: Model = None,
    options: OptionsFile = None,
    settings: Settings = None,
) -> None:
    """Write one picture a stage: what docproc saw on a page, and how it read it."""
    from docproc.pages.sources import survey
    from docproc.types import PageRef

    chosen = _choose_options(options, settings, max_error, strips)
    document = survey(page, chosen)
    if document.failure is not None:
        meaning, remedy = FAILURES[document.failure.code]
        raise InputError(f"{page}: {meaning} {document.failure.detail}; {remedy}")
    if not 1 <= number <= document.pages:
        raise InputError(f"{page}: {document.skipped or f'it has {document.pages} pages'}; choose another page or file")
    classifier, recipe = _load(model, device, chosen)
    from docproc.flow.inspect import inspect as draw

    for path in draw(PageRef(page, document.digest, number), recipe, classifier.classify, out):
        print(path)


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="Folder with the training digits.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, card, curve and checkpoint.")],
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the digits.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed trains another network.")] = None,
    device: Device = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that make the digits.")] = 2,
) -> None:
    """Train the network that reads digits. Killed, the same command goes on from the last epoch."""
    from dataclasses import replace

    from docproc.recognize.classifier import choose_device
    from docproc.train.fit import Knobs
    from docproc.train.fit import train as fit

    knobs = Knobs()
    knobs = replace(knobs, epochs=epochs or knobs.epochs, seed=knobs.seed if seed is None else seed)
    print(fit(data, out, knobs, choose_device(device), workers))


@app.command()
def calibrate(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH.csv", help="file,digits,set of the strips beside it.")],
    model: Annotated[Path, typer.Option(help="Weights whose card gets the calibration.")],
    device: Device = "auto",
) -> None:
    """Fit stated confidences to strips whose digits are known, so that 0.97 means 97 of 100."""
    from docproc.train.calibrate import calibrate as fit

    done = fit(truth, model, device)
    print(f"{done.right} of {done.fields} fields right; {model.with_suffix('.json')} has the calibration")


@app.command()
def evaluate(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH.csv", help="What the fields hold.")],
    results: Annotated[Path, typer.Argument(metavar="RESULTS.csv", help="What a run read.")],
    out: Annotated[Path | None, typer.Option(help="Folder for tables and pictures.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Hold results against the truth: accuracy, flags, calibration."""
    from docproc.train.evaluate import evaluate as score
    from docproc.train.evaluate import render, write_json

    report = score(truth, results, out)
    print(write_json(report) if json else render(report))


def _choose_options(file: Path | None, settings: list[str] | None, max_error: float | None, strips: bool) -> Options:
    from docproc.options import load_options

    return load_options(file, tuple(settings or ()), max_error=max_error, strips=strips or None)


def _load(model: Path | None, device: str, options: Options) -> tuple[Classifier, Recipe]:
    from docproc.options import Recipe
    from docproc.recognize.classifier import load

    classifier = load(model, device)
    return classifier, Recipe(options, classifier.digest, classifier.calibration)


def _count_cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    main()
