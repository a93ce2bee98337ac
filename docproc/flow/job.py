"""What is left → read → record → export: one run over some inputs, which may end at any moment and go on later."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

from docproc.errors import Exit, InputError, LedgerError
from docproc.flow.mappers import Mapper
from docproc.options import Recipe
from docproc.records import ledger as records
from docproc.records.atomic import check_target, sweep_parts
from docproc.records.export import choose_writer, export, lock_of, write_csv
from docproc.records.seal import KEEP_ALL, Vault
from docproc.records.strips import count_plain
from docproc.records.tables import Layout, lay_out
from docproc.records.tally import Tally, tally
from docproc.types import Document, Failure, PageRef, PageResult, Reader

GRACE_SECONDS = 5.0
"""After a request to stop, pages already begun are still recorded for so long."""

T = TypeVar("T")
Stage = Literal["survey", "read"]
Progress = Callable[[Stage, int, int], None]
"""Called with the stage, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to read and where to put it. `out` None is a stream; `ledger` None is one beside `out`, or none kept.

    `vault` says which pictures of fields are kept, and with what key.
    """

    inputs: tuple[str, ...]
    out: Path | None
    layout: Layout = "long"
    ledger: Path | None = None
    vault: Vault = KEEP_ALL

    @property
    def ledger_path(self) -> Path | None:
        """Where the ledger lies, if one is kept."""
        if self.ledger is not None or self.out is None:
            return self.ledger
        return records.beside(self.out)


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended. `pages` is what the files hold, counted apart from what the ledger came to in `tally`.

    `resumed` pages were settled by earlier runs, `replaced` files held other bytes then. `out` is what was written,
    None for a stream. `plain_strips` pictures are not encrypted though a key was given.
    """

    files: int
    pages: int
    resumed: int
    tally: Tally
    skipped: tuple[tuple[str, str], ...]
    out: Path | None
    interrupted: bool
    seconds: float
    replaced: int = 0
    plain_strips: int = 0

    @property
    def balances(self) -> bool:
        """Every page that went in came out: read, failed, or, after an interruption, left for the next run."""
        accounted = self.tally.read + self.tally.failed + self.tally.left
        return self.pages == accounted and (self.tally.left == 0 or self.interrupted)

    @property
    def code(self) -> Exit:
        """The exit code that says so."""
        if not self.balances:
            return Exit.BUG
        if self.interrupted:
            return Exit.INTERRUPTED
        return Exit.SOME_FAILED if self.tally.failed else Exit.OK


def run(
    job: Job,
    recipe: Recipe,
    find: Callable[[Sequence[str]], Iterable[str]],
    survey: Callable[[str], Document],
    mapper: Mapper,
    reader: Reader,
    progress: Progress = lambda stage, done, total: None,
    stopping: Callable[[], bool] = lambda: False,
    stream: BinaryIO | None = None,
) -> Summary:
    """Read what the ledger does not hold yet, record each page as it comes, export.

    `stream` (None: standard output) gets the CSV where the job has no `out`. Raises InputError where the inputs hold
    no document, LedgerError where output or ledger cannot be written.
    """
    start = time.monotonic()
    check_outputs(job)
    sources = _without_own(find(job.inputs), job)
    with records.open_ledger(job.ledger_path, job.vault) as ledger:
        if job.out is not None:
            sweep_parts(job.out)
        documents = list(look(sources, survey, mapper, progress, stopping))
        present = [document for document in documents if document.skipped is None]
        skipped = tuple((document.source, document.skipped) for document in documents if document.skipped is not None)
        if not present and not stopping():
            raise InputError(_explain_nothing(skipped))
        turn = records.begin(ledger, recipe.key, recipe.about, job.layout)
        replaced = len(records.find_replaced(ledger, documents))
        asked = take(ledger, turn, documents, reader, progress, stopping)
        out = put_out(ledger, recipe.key, job, stream)
        counted = tally(ledger, turn)
        plain_strips = 0 if job.vault.seal is None else count_plain(ledger)
    pages = sum(1 if document.failure else document.pages for document in present)
    distinct = {document.digest: document.pages for document in present if document.digest}
    return Summary(
        files=len(present),
        pages=pages,
        resumed=sum(distinct.values()) - asked,
        tally=counted,
        skipped=skipped,
        out=out,
        interrupted=stopping(),
        seconds=time.monotonic() - start,
        replaced=replaced,
        plain_strips=plain_strips,
    )


def check_outputs(job: Job) -> None:
    """Raise LedgerError where the results could not be written, before any work is done for them."""
    if job.out is not None:
        check_target(job.out)
        choose_writer(job.out)
    if job.ledger_path is not None:
        check_target(job.ledger_path)
        if job.out is not None and os.path.realpath(job.out) == os.path.realpath(job.ledger_path):
            raise LedgerError(f"{job.out} cannot be both ledger and output; choose another --ledger")


def look(
    sources: Sequence[str],
    survey: Callable[[str], Document],
    mapper: Mapper,
    progress: Progress,
    stopping: Callable[[], bool],
) -> Iterator[Document]:
    """Take a first look at each source; once asked to stop, at no more."""
    asked = _until(stopping, sources)
    for done, document in enumerate(mapper(survey, asked, _lose_document), start=1):
        progress("survey", done, len(sources))
        yield document


def take(
    ledger: records.Ledger,
    turn: records.Run,
    documents: Sequence[Document],
    reader: Reader,
    progress: Progress,
    stopping: Callable[[], bool],
) -> int:
    """Note what the documents are, read what of them the ledger lacks, record each page; how many pages it lacked."""
    records.register(ledger, turn, documents)
    return catch_up(ledger, turn, documents, reader, progress, stopping)


def catch_up(
    ledger: records.Ledger,
    turn: records.Run,
    documents: Sequence[Document],
    reader: Reader,
    progress: Progress,
    stopping: Callable[[], bool],
) -> int:
    """Read the pages of documents that the ledger lacks under a recipe, record each; how many pages it lacked."""
    refs = list(records.missing(ledger, turn, [document for document in documents if document.skipped is None]))
    _read(refs, reader, partial(records.record, ledger, turn), progress, stopping)
    return len(refs)


def _lose_document(source: str, failure: Failure) -> Document:
    return Document(source, "", 0, failure)


def _read(
    refs: list[PageRef],
    reader: Reader,
    record: Callable[[PageResult], None],
    progress: Progress,
    stopping: Callable[[], bool],
) -> None:
    """Record every result; once asked to stop, begin no page and keep what still comes within the grace."""
    progress("read", 0, len(refs))
    last = None
    for done, result in enumerate(reader(_until(stopping, refs)), start=1):
        record(result)
        progress("read", done, len(refs))
        if stopping():
            last = last or time.monotonic() + GRACE_SECONDS
            if time.monotonic() > last:
                return


def _until(stopping: Callable[[], bool], items: Iterable[T]) -> Iterator[T]:
    for item in items:
        if stopping():
            return
        yield item


def _without_own(sources: Iterable[str], job: Job) -> list[str]:
    """Each source once, without our own output and ledger, which may lie in the folder that is read."""
    own = {job.out, lock_of(job.out)} if job.out else set()
    if job.ledger_path:
        own.update(records.files_of(job.ledger_path))
    paths = {os.path.realpath(path) for path in own}
    return [source for source in dict.fromkeys(sources) if os.path.realpath(source) not in paths]


def put_out(
    ledger: records.Ledger, recipe: str, job: Job, stream: BinaryIO | None = None, read_values: bool = False
) -> Path | None:
    """Write the results under a recipe where the job wants them; the file written, None for a stream.

    With `read_values` what was read stands beside what people said.
    """
    if job.out is not None:
        return export(ledger, recipe, job.layout, job.out, read_values)
    pipe = stream or sys.stdout.buffer
    try:
        with records.at_one_moment(ledger):
            write_csv(lay_out(ledger, recipe, job.layout, read_values), pipe)
            pipe.flush()
    except BrokenPipeError:
        # whoever read the pipe has seen enough, as `head` has; what is still buffered must go somewhere at exit
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), pipe.fileno())
    return None


def _explain_nothing(skipped: tuple[tuple[str, str], ...]) -> str:
    if not skipped:
        return "no files were found in the input; name files or folders with PDF, PNG, JPEG or TIFF scans"
    source, reason = skipped[0]
    more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return f"no document was found in the input: skipped {source} ({reason}){more}; name PDF, PNG, JPEG or TIFF scans"
