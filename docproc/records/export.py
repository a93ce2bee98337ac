"""The ledger as a file that people open: CSV, a spreadsheet, or Parquet, by its suffix."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from docproc.errors import LedgerError
from docproc.records.atomic import replace_file
from docproc.records.cells import show_text
from docproc.records.ledger import OWNER_ONLY, Ledger, at_one_moment, beside, last_run, visit_ledger
from docproc.records.tables import Cell, Layout, Table, lay_out

PATIENCE = 120.0
"""Seconds that an export waits for another one of the same file."""
CONFIDENCE = ".4f"
FLAGGED = "#FFE08A"
"""The background of cells that a person should look at."""
WIDEST = 40
"""Characters: columns of a spreadsheet are at most so wide."""


def export(ledger: Ledger, recipe: str, layout: Layout, path: Path, read_values: bool = False) -> Path:
    """Write all that the ledger knows under the recipe; the path written, which differs where `path` is held open.

    Of several that write the same file each waits for the one before, and looks into the ledger only then: an older
    table never takes the place of a newer one. Raises LedgerError where one writes for longer than PATIENCE.
    """
    write = choose_writer(path)

    def fill(stream: BinaryIO) -> None:
        with at_one_moment(ledger):
            write(lay_out(ledger, recipe, layout, read_values), stream)

    with _alone_with(path):
        return replace_file(path, fill)


def export_now(results: Path, ledger: Path | None = None) -> Path:
    """Bring a results file to what its ledger says, as after a correction; the path written."""
    with visit_ledger(ledger or beside(results)) as opened:
        run = last_run(opened)
        return export(opened, run.recipe, "wide" if run.layout == "wide" else "long", results)


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    """Keep other processes from writing the same results meanwhile."""
    target = Path(os.path.realpath(path))
    lock = FileLock(lock_of(target), mode=OWNER_ONLY)
    try:
        lock.acquire(timeout=PATIENCE)
    except Timeout:
        raise LedgerError(
            f"another process has been writing {path} for long; wait until it ends and try again"
        ) from None
    except OSError as error:
        raise LedgerError(f"cannot write beside {path}: {error.strerror}; choose another --out") from error
    try:
        yield
    finally:
        lock.release()


def lock_of(path: Path) -> Path:
    """The file that lies beside results while, and after, somebody writes them."""
    return path.with_name(f".{path.name}.lock")


def choose_writer(path: Path) -> Callable[[Table, BinaryIO], None]:
    """What writes the kind of file that a name asks for; LedgerError where its library is not installed."""
    if path.suffix.lower() == ".xlsx":
        return write_xlsx
    if path.suffix.lower() == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise LedgerError(
                f"{path} needs pyarrow: pip install 'docproc[parquet]', or choose a .csv or .xlsx"
            ) from error
        return write_parquet
    return write_csv


def write_csv(table: Table, stream: BinaryIO) -> None:
    """RFC 4180, UTF-8; a cell that a spreadsheet would take for a formula gets an apostrophe."""
    # A writer of codecs keeps nothing back: a pipe that breaks does so here, and not when somebody tidies up.
    text = codecs.getwriter("utf-8")(stream)
    csv.writer(text).writerows([_show(cell) for cell in row] for row in table)


def write_xlsx(table: Table, stream: BinaryIO) -> None:
    """A sheet whose values are text, so that no leading zero is lost; flagged cells have a colour."""
    import xlsxwriter

    settings = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(stream, settings) as book:
        sheet = book.add_worksheet("results")
        text = book.add_format({"num_format": "@"})
        flagged = book.add_format({"num_format": "@", "bg_color": FLAGGED})
        bold = book.add_format({"bold": True})
        names = [str(cell.value) for cell in next(table)]
        for column, name in enumerate(names):
            sheet.write_string(0, column, name, bold)
        sheet.freeze_panes(1, 0)
        widths = [len(name) for name in names]
        for number, row in enumerate(table, 1):
            for column, (value, look) in enumerate(row):
                if isinstance(value, str) or (value is None and look):
                    sheet.write_string(number, column, value or "", flagged if look else text)
                    widths[column] = max(widths[column], len(value or ""))
                elif value is not None:
                    sheet.write_number(number, column, value)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, min(width, WIDEST) + 2)


def write_parquet(table: Table, stream: BinaryIO) -> None:
    """Columns of text, whole numbers and, for confidences, floats; flagged cells are told by `review` alone."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [str(cell.value) for cell in next(table)]
    columns = list(zip(*([cell.value for cell in row] for row in table), strict=True)) or [()] * len(names)
    kinds = [_kind(name, column) for name, column in zip(names, columns, strict=True)]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    pq.write_table(pa.table(dict(zip(names, arrays, strict=True))), stream)


def _kind(name: str, column: tuple[object, ...]) -> str:
    if name == "confidence":
        return "float64"
    return "int64" if any(isinstance(value, int) for value in column) else "string"


def _show(cell: Cell) -> object:
    if isinstance(cell.value, str):
        return show_text(cell.value)
    return format(cell.value, CONFIDENCE) if isinstance(cell.value, float) else cell.value
