"""What the commands that read pages share: their options, and the reader those options ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from docproc.errors import UsageError

if TYPE_CHECKING:
    from docproc.flow.mappers import Mapper
    from docproc.options import Options, Recipe
    from docproc.recognize.models import Models
    from docproc.records.seal import Vault
    from docproc.types import Form, Reader

Device = Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where the network runs.")]
Model = Annotated[
    Path | None, typer.Option(help="Weights other than the shipped ones: their file, or the folder of a model.")
]
OptionsFile = Annotated[Path | None, typer.Option("--options", help="Reading options as a TOML file.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One reading option.")]
PasswordFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Passwords of locked PDFs, one a line.")]
Strips = Annotated[bool, typer.Option("--strips", help="Each image is one field, already cut out.")]
Style = Annotated[
    Literal["auto", "american", "european"] | None, typer.Option(help="How 1 and 7 are written; auto asks each page.")
]
Forms = Annotated[
    list[Path] | None, typer.Option("--form", metavar="FORM.toml", help="The form that pages lie on; may be repeated.")
]
MaxError = Annotated[float | None, typer.Option(help="Share of wrong values to expect among those not flagged.")]
ShownLayout = Annotated[
    Literal["long", "wide"] | None,
    typer.Option(help="One row a field (long) or one row a document (wide); wide if there is a form."),
]
Workers = Annotated[int | None, typer.Option(min=0, help="Processes that prepare pages: one a core; 0 works without.")]
Results = Annotated[Path, typer.Argument(metavar="RESULTS", help="The results that docproc run or watch wrote.")]
KeepStrips = Annotated[
    Literal["flagged", "all", "none"],
    typer.Option(help="Of which fields the ledger keeps a picture: those to look at, all, or none."),
]
KeyFile = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="The key that pictures in the ledger are encrypted with.")
]
LedgerFile = Annotated[Path | None, typer.Option(help="Where to remember what was read; beside the CSV if left out.")]


@dataclass(frozen=True, slots=True)
class Means:
    """What pages are read with: the processes, and the reader that works in them."""

    mapper: Mapper
    reader: Reader


def choose_options(
    file: Path | None, settings: list[str] | None, password_file: Path | None = None, **given: object
) -> Options:
    """The reading options of a command line."""
    from docproc.options import load_options, read_passwords

    passwords = None if password_file is None else read_passwords(password_file)
    return load_options(file, tuple(settings or ()), passwords=passwords, **given)


def load_recipe(model: Path | None, device: str, options: Options, forms: list[Path] | None) -> tuple[Models, Recipe]:
    """The networks, and the recipe that they and the forms make."""
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


def choose_vault(key: Path | None, keep: Literal["flagged", "all", "none"] = "all") -> Vault:
    """Which pictures of fields a ledger keeps, and the key for them; raises LedgerError where the file holds none."""
    from docproc.records.seal import Vault, load_key

    return Vault(keep, None if key is None else load_key(key))


def find_ledger(results: Path, ledger: Path | None) -> Path:
    """The ledger of a results file: the one named, or the one beside it; a ledger named as results is meant itself."""
    from docproc.records.ledger import beside

    return ledger or (results if results.suffix == ".ledger" else beside(results))


def find_results(results: Path) -> Path:
    """The file that results are written to: never a ledger, which may be named in its place."""
    return results.with_suffix("") if results.suffix == ".ledger" else results


@contextmanager
def open_means(models: Models, recipe: Recipe, workers: int | None) -> Iterator[Means]:
    """Worker processes, one a core if no number is given, and the reader in them; they end with the context."""
    from docproc.flow.mappers import choose_mapper
    from docproc.flow.pipeline import read
    from docproc.pages.scratch import open_scratch

    crew = _count_cores() if workers is None else workers
    options = recipe.options
    with open_scratch(), choose_mapper(crew, options.page_seconds, options.worker_megabytes) as mapper:
        classify, read_lines = models.classifier.classify, models.line_reader.read
        yield Means(mapper, partial(read, recipe=recipe, mapper=mapper, classify=classify, read_lines=read_lines))


def _count_cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
