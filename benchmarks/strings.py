"""How whole numbers are read: `python benchmarks/strings.py TRUTH.csv [--data DATA] [--peers]`.

TRUTH.csv has file, digits and set of the strips beside it; those that are illegible are in no row. DATA is the folder
of handwriting sets that `docproc train --data` takes: with it, numbers of 2 to 10 digits by writers that never trained
are composed too, every digit whole, on plain paper, under a usual scanner. In `natural` ones digits stand as far apart
as their writer leaves them and none touches another, in `touching` ones at least two do. With --peers, RapidOCR's
recognizer and Tesseract's line mode read the strips as well, where they are installed.

Times are milliseconds of user CPU time a strip, from the file to the reading, models loaded: medians of rounds in which
all readers take turns, so that a slow moment hits them all.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image
from rich.progress import Progress

from docproc.errors import FAILURES, DocprocError, InputError
from docproc.flow.mappers import in_process
from docproc.flow.pipeline import BATCH_PAGES, read
from docproc.options import Recipe, load_options
from docproc.pages.sources import survey
from docproc.recognize.models import Models, load_models
from docproc.train.bank import make_bank
from docproc.train.data import load_glyphs
from docproc.train.fit import show_bar
from docproc.train.metrics import share_at_error, trace_curve
from docproc.train.report import ERROR_LEVELS, render_table, share
from docproc.train.strings import WORKING_DPI, compose_digits
from docproc.train.truth import ANSWERED, keep_digits, read_truth
from docproc.types import PageRef, PageResult

SEED = 1
LENGTHS = range(2, 11)
KINDS = {"natural": False, "touching": True}
HEAD = (
    *("reader", "strips", "number", "right", "at 1 %", "at 0.5 %", "at 0.1 %"),
    *("accepted", "of them wrong", "ms a strip"),
)
NOTE = """at 1, 0.5, 0.1 %: share of the strips that could be accepted with so many of these wrong, ranked by confidence
accepted: those that docproc sends to nobody, by its default options"""


class Strip(NamedTuple):
    """A picture of one number, what it says, and its set or, of composed ones, its kind."""

    path: Path
    digits: str
    group: str


class Answer(NamedTuple):
    """What a reader makes of a strip: None where it names no value. `accepted` is None where it does not judge."""

    text: str | None
    confidence: float
    accepted: bool | None = None


Reader = Callable[[Sequence[Path]], Sequence[Answer]]


def main() -> None:
    """Read everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=Path, metavar="TRUTH.csv")
    parser.add_argument("--data", type=Path, help="folder of the handwriting sets; without it nothing is composed")
    parser.add_argument("--generated", type=int, default=200, metavar="N", help="numbers of each length and kind")
    parser.add_argument("--model", type=Path, help="weights other than the shipped ones")
    parser.add_argument("--peers", action="store_true", help="RapidOCR and Tesseract too")
    parser.add_argument("--timed", type=int, default=100, help="strips to time; the shares are of all strips")
    parser.add_argument("--rounds", type=int, default=5, help="turns that each reader takes on them")
    given = parser.parse_args()
    if min(given.generated, given.timed, given.rounds) < 1:
        parser.error("--generated, --timed and --rounds must be 1 or more")
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        strips = list_strips(given.truth)
        with show_bar() as bar, TemporaryDirectory() as folder:
            rows = measure(strips, given, Path(folder), bar)
    except DocprocError as error:
        parser.exit(error.code, f"{error}\n")
    print(render_table([HEAD, *rows]))
    print(NOTE)


def measure(strips: Sequence[Strip], given: argparse.Namespace, folder: Path, bar: Progress) -> list[tuple[str, ...]]:
    """All lines of the table. What is left out is said above the bar."""
    readers = {"docproc": read_by_docproc(load_models(given.model, "cpu"))}
    if given.peers:
        readers |= find_peers(bar)
    made: list[Strip] = []
    if given.data is None:
        bar.console.print("composed numbers are left out: name the handwriting sets with --data")
    else:
        made = compose_strips(given.data, given.generated, folder, bar)
    costs = time_in_turns(readers, strips, given.timed, given.rounds, bar)
    rows = []
    for name, reader in readers.items():
        answers = read_all(name, reader, strips, bar)
        for group in sorted({strip.group for strip in strips}):
            rows.append(tell(name, group, [pair for pair in answers if pair[0].group == group]))
        rows.append((*tell(name, "all", answers)[:-1], f"{1e3 * costs[name]:.1f}"))
        if name == "docproc":
            rows += tell_lengths("", answers)
    if made:
        answers = read_all("docproc", readers["docproc"], made, bar)
        for kind in KINDS:
            chosen = [pair for pair in answers if pair[0].group == kind]
            rows += [*tell_lengths(f"{kind}, ", chosen), tell("docproc", f"{kind}, all", chosen)]
    return rows


def tell_lengths(prefix: str, pairs: Sequence[tuple[Strip, Answer]]) -> list[tuple[str, ...]]:
    """A line of docproc for each number of digits."""
    parts: dict[int, list[tuple[Strip, Answer]]] = {}
    for strip, answer in sorted(pairs, key=lambda pair: len(pair[0].digits)):
        parts.setdefault(len(strip.digits), []).append((strip, answer))
    return [tell("docproc", f"{prefix}{n} digit{'s' if n != 1 else ''}", part) for n, part in parts.items()]


def list_strips(truth: Path) -> list[Strip]:
    """The strips that count. Raises InputError where there is none, or one is not beside the truth."""
    fields = [field for field in read_truth(truth).fields if not field.left_out]
    strips = [Strip(truth.parent / field.source, field.digits, field.group) for field in fields]
    missing = [strip.path.name for strip in strips if not strip.path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(strips)} strips do not lie beside {truth}, first {missing[0]}; put them there"
        )
    if not strips or any(field.box is not None for field in fields):
        raise InputError(f"{truth} is no truth of strips; name one with file, digits and set")
    return strips


def compose_strips(data: Path, number: int, folder: Path, bar: Progress) -> list[Strip]:
    """Pictures of numbers by held-out writers, the same every time; no machine print, no invented hands."""
    bank = make_bank(load_glyphs(data, held_out=True), ())
    rng = np.random.default_rng(SEED)
    task = bar.add_task("composing numbers", total=len(KINDS) * len(LENGTHS) * number)
    strips = []
    for kind, touching in KINDS.items():
        for length in LENGTHS:
            for i in range(number):
                digits = [int(digit) for digit in rng.integers(0, 10, length)]
                path = folder / f"{kind}-{length}-{i}.png"
                gray = compose_digits(rng, bank, digits, touching).gray
                Image.fromarray(gray).save(path, dpi=(WORKING_DPI, WORKING_DPI))
                strips.append(Strip(path, "".join(map(str, digits)), kind))
                bar.advance(task)
    return strips


def read_all(name: str, reader: Reader, strips: Sequence[Strip], bar: Progress) -> list[tuple[Strip, Answer]]:
    """Every strip with its answer."""
    task = bar.add_task(f"reading by {name}", total=len(strips))
    pairs: list[tuple[Strip, Answer]] = []
    for start in range(0, len(strips), BATCH_PAGES):
        part = strips[start : start + BATCH_PAGES]
        pairs += zip(part, reader([strip.path for strip in part]), strict=True)
        bar.advance(task, len(part))
    return pairs


def time_in_turns(
    readers: Mapping[str, Reader], strips: Sequence[Strip], most: int, rounds: int, bar: Progress
) -> dict[str, float]:
    """Median user CPU time of each reader, seconds a strip, over strips taken evenly from all."""
    places = np.linspace(0, len(strips) - 1, min(most, len(strips))).astype(int)
    paths = [strips[i].path for i in places]
    spent: dict[str, list[float]] = {name: [] for name in readers}
    task = bar.add_task("timing", total=(rounds + 1) * len(readers))
    for _ in range(rounds + 1):
        for name, reader in readers.items():
            start = user_seconds()
            reader(paths)
            spent[name].append((user_seconds() - start) / len(paths))
            bar.advance(task)
    # The first round warms up.
    return {name: statistics.median(times[1:]) for name, times in spent.items()}


def user_seconds() -> float:
    """User CPU time of this process and of the children that it waited for."""
    return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def tell(reader: str, name: str, pairs: Sequence[tuple[Strip, Answer]]) -> tuple[str, ...]:
    """One line of the table, without the time."""
    answered = [(strip, answer) for strip, answer in pairs if answer.text is not None]
    right = np.array([answer.text == strip.digits for strip, answer in answered], np.bool_)
    confidences = np.array([answer.confidence for _, answer in answered], np.float64)
    curve = trace_curve(confidences, right, len(pairs))
    reached = [share(share_at_error(curve, error)) for error in ERROR_LEVELS]
    accepted = [answer.text == strip.digits for strip, answer in pairs if answer.accepted]
    judged = all(answer.accepted is not None for _, answer in pairs)
    kept = (str(len(accepted)), str(accepted.count(False))) if judged else ("-", "-")
    return (reader, name, str(len(pairs)), share(int(right.sum()) / len(pairs)), *reached, *kept, "")


def read_by_docproc(models: Models) -> Reader:
    """The whole way of `docproc run --strips --workers 0`, but for the ledger."""
    options = load_options(strips=True)
    recipe = Recipe(options, models.digest, models.calibration)

    def refer(path: Path) -> PageRef:
        document = survey(str(path), options)
        if document.failure is not None:
            meaning, remedy = FAILURES[document.failure.code]
            raise InputError(f"{path}: {meaning} {document.failure.detail}; {remedy}")
        if document.skipped is not None:
            raise InputError(f"{path}: {document.skipped}; name pictures in the truth")
        return PageRef(document.source, document.digest, 1)

    def answer(paths: Sequence[Path]) -> Sequence[Answer]:
        refs = map(refer, paths)
        results = read(refs, recipe, in_process, models.classifier.classify, models.line_reader.read)
        return [take(result) for result in results]

    return answer


def take(result: PageResult) -> Answer:
    """The only reading of a strip, scored as `docproc evaluate` does."""
    if not result.readings:
        return Answer(None, 0.0, False)
    (reading,) = result.readings
    if reading.status not in ANSWERED:
        return Answer(None, 0.0, False)
    return Answer(keep_digits(reading.text), reading.confidence, not reading.review)


def find_peers(bar: Progress) -> dict[str, Reader]:
    """Other readers, where they are installed."""
    peers: dict[str, Reader] = {}
    if find_spec("rapidocr") and find_spec("onnxruntime"):
        threads = {f"EngineConfig.onnxruntime.{which}_op_num_threads": 1 for which in ("intra", "inter")}
        engine = import_module("rapidocr").RapidOCR(params={"Global.log_level": "error", **threads})
        peers["RapidOCR"] = lambda paths: [read_by_rapidocr(engine, path) for path in paths]
    else:
        bar.console.print("RapidOCR is left out, for it is not installed: pip install rapidocr onnxruntime")
    if shutil.which("tesseract"):
        peers["Tesseract"] = read_by_tesseract
    else:
        bar.console.print("Tesseract is left out, for it is not installed: apt install tesseract-ocr")
    return peers


def read_by_rapidocr(engine: Callable[..., Any], path: Path) -> Answer:
    """RapidOCR's recognizer on a strip, without its search for text: the strip is one line."""
    found = engine(str(path), use_det=False, use_cls=False, use_rec=True)
    text = keep_digits("".join(found.txts or ()))
    return Answer(text or None, min(map(float, found.scores), default=0.0) if text else 0.0)


def read_by_tesseract(paths: Sequence[Path]) -> Sequence[Answer]:
    """Tesseract on strips that are each one line of digits, all in one process; a word is as sure as it says."""
    command = ["tesseract", "stdin", "stdout", "--psm", "7", "-c", "tessedit_char_whitelist=0123456789", "tsv"]
    names = "".join(f"{path.resolve()}\n" for path in paths)
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(command, input=names, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"Tesseract cannot read: {done.stderr.strip()}; mend it, or leave out --peers")
    words: list[list[tuple[str, float]]] = [[] for _ in paths]
    for page, confidence, text in list_words(done.stdout):
        words[page - 1].append((text, confidence))
    return [
        Answer("".join(text for text, _ in page) or None, min((sure for _, sure in page), default=0.0))
        for page in words
    ]


def list_words(table: str) -> Iterator[tuple[int, float, str]]:
    """Page, confidence and digits of each word in Tesseract's TSV."""
    head, *lines = (line.split("\t") for line in table.splitlines())
    for line in lines:
        row = dict(zip(head, line, strict=True))
        digits = keep_digits(row["text"])
        if digits:
            yield int(row["page_num"]), min(max(float(row["conf"]) / 100, 0.0), 1.0), digits


if __name__ == "__main__":
    main()
