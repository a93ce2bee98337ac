"""Commands for forms: draft one from a blank sheet, hold scans against it, print what a form file may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from docproc.apps.terminal import printable
from docproc.errors import Exit, InputError, LedgerError, UsageError

forms = typer.Typer(no_args_is_help=True, help="Describe a paper form, so that its fields are read by name.")

RESIDUAL = "residual (mm)"


@forms.command()
def new(
    sheets: Annotated[
        list[Path], typer.Argument(metavar="BLANK...", help="The blank sheet; several are the pages of the form.")
    ],
    out: Annotated[Path, typer.Option(metavar="FORM.toml", help="The form file to write; its pictures lie beside it.")],
    filled: Annotated[
        bool, typer.Option("--filled", help="The sheets are one page, filled in by many: learn the blank from them.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Draft a form: find the fields of a blank sheet, name them, and draw them over it."""
    from docproc.flow.drafts import draft_form
    from docproc.flow.labels import has_reader
    from docproc.options import load_options

    if out.suffix.lower() != ".toml":
        raise UsageError(f"--out {out}: a form file is called something.toml; name it so")
    if filled:
        from docproc.flow.sheets import FEWEST, draft_filled

        if len(sheets) < FEWEST:
            raise UsageError(f"--filled needs {FEWEST} sheets at least, ten are better; name more")
        drafting = draft_filled(sheets, out, load_options(), force)
    else:
        drafting = draft_form(sheets, out, load_options(), force)
    for path in (drafting.form, *drafting.references, *drafting.pictures):
        print(path)
    print(f"{drafting.fields} fields, {drafting.named} of them named by the print beside them")
    if drafting.named == 0 and not has_reader():
        print("to have them named, install Tesseract (the command tesseract) and run again with --force")
    print(f"next: look at {drafting.pictures[0]}")
    print(f"then: docproc form edit {out}  (delete what is no number, mend names, add types and rules)")
    print(f"then: docproc form check {out} SCANS --out look/")


@forms.command()
def check(
    form: Annotated[Path, typer.Argument(metavar="FORM.toml", help="The form file.")],
    scans: Annotated[list[str], typer.Argument(metavar="SCAN...", help="Files, folders or patterns.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Takes a picture of each page with the fields on it.")],
) -> None:
    """Say where the fields of a form lie on scans, how far off, and which scans would be refused."""
    from docproc.flow.checks import check_scans
    from docproc.flow.forms import load_forms
    from docproc.options import load_options
    from docproc.pages.sources import find

    options = load_options()
    (known,) = load_forms([form], options)
    sources = list(find(scans))
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"cannot make the folder {out}: {error.strerror}; choose another --out") from error
    wide = max([len("file"), *(len(printable(source)) for source in sources)])
    print(f"{'file':{wide}}  page  form page  {RESIDUAL}")
    placed = refused = 0
    for row in check_scans(known, sources, options, out):
        found = f"{row.page:9}  {row.residual:.2f}" if row.page else f"{'-':>9}  {row.refusal}"
        print(f"{printable(row.source):{wide}}  {row.number or '-':>4}  {found}", flush=True)
        placed, refused = placed + bool(row.page), refused + (not row.page)
    if not placed + refused:
        raise InputError("no document among the scans; name PDF, PNG, JPEG or TIFF files")
    print(f"{placed + refused} pages: {placed} lie on the form, {refused} would be refused; pictures in {out}")
    raise typer.Exit(Exit.SOME_FAILED if refused else Exit.OK)


@forms.command()
def edit(
    form: Annotated[Path, typer.Argument(metavar="FORM.toml", help="The form file; it is saved under the same name.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page is served; any free port if 0.")] = 0,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address and open no browser.")] = False,
) -> None:
    """Correct a form in the browser: move, draw, name and type its fields on its reference."""
    from docproc.apps.formedit.editor import Editor
    from docproc.apps.local.server import Place, show
    from docproc.options import load_options

    show(Editor(form, load_options()).app(), Place(port), not no_open, str(form))


@forms.command(name="print")
def print_(
    fields: Annotated[
        list[str],
        typer.Option(
            "--fields",
            metavar="NAME=LOOK,...",
            help="What to ask. A look is a number of digits (age=3), a pattern (weight=##.#), a date or time "
            "(visit=dd/mm/yy, start=hh:mm), with its type in front if need be (score=integer:2). May be repeated.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Takes the sheets, and the form that reads them.")],
    roster: Annotated[
        Path | None, typer.Argument(metavar="ROSTER.csv", help="A list of people: each gets a sheet.")
    ] = None,
    id_: Annotated[
        str, typer.Option("--id", metavar="COLUMN", help="Column of the roster that numbers people; it is read back.")
    ] = "",
    show: Annotated[str, typer.Option(metavar="COLUMN,...", help="Columns of the roster to print: name,village.")] = "",
    title: Annotated[str, typer.Option(help="Printed at the top; the name of the folder if left out.")] = "",
    copies: Annotated[
        int | None, typer.Option(min=1, max=20_000, metavar="N", help="How many sheets, if there is no roster.")
    ] = None,
    paper: Annotated[Literal["a4", "letter"], typer.Option(help="The size of the paper.")] = "a4",
    font: Annotated[
        Path | None, typer.Option(metavar="FILE.ttf", help="A font, for letters that no installed one has.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Print sheets that are easy to read: a PDF to print, and the form that reads it.

    For example: docproc form print children.csv --id child_id --show name,village
    --fields "age=3,weight=##.#,visit=dd/mm/yy" --out visit/
    """
    from docproc.fields.asked import parse_fields
    from docproc.flow.printing import make_copies, place_order, print_sheets, read_roster, refuse_to_overwrite
    from docproc.options import load_options

    shown = tuple(dict.fromkeys(filter(None, (name.strip() for name in show.split(",")))))
    id_ = id_.strip()
    if roster is None and (id_ or shown):
        raise UsageError("--id and --show name columns of a roster; name its CSV file before them")
    if roster is not None and copies is not None:
        raise UsageError("a roster gives each row one sheet; leave out --copies, or the roster")
    asked = parse_fields(fields)
    people = read_roster(roster, id_, shown) if roster is not None else None
    order = place_order(asked, out, title, paper, people, id_, shown)
    sheets = make_copies(people, copies or 1)
    if not force:
        refuse_to_overwrite(out, roster)
    printed = print_sheets(order, sheets, out, roster, font, load_options())
    for path in (printed.sheets, printed.form, *printed.others):
        print(path)
    print(f"sheets: {printed.count}; pages of each: {printed.pages}; fields to fill in: {len(asked)}")
    print(f"next: print {printed.sheets} in its own size, not fitted to the paper")
    print(f"then: docproc run SCANS --form {printed.form} --out results.csv")


@forms.command()
def schema() -> None:
    """Print all that a form file may say, as JSON Schema; editors complete and check by it."""
    import json

    from docproc.fields.form import FormSpec

    print(json.dumps(FormSpec.model_json_schema(), indent=2))
