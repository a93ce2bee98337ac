"""A run over text files that say how many pages they have; as a script, it takes each page on request.

The script prints `page N` when it begins a page and goes on when it gets a line.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from docproc.flow.job import Job, run
from docproc.flow.mappers import in_process
from docproc.flow.signals import catch_stops
from docproc.options import Options, Recipe
from docproc.types import NEUTRAL, Box, Document, Failure, PageRef, PageResult, Reading

RECIPE = Recipe(Options.model_validate({}), "model", NEUTRAL)


def find(inputs: Sequence[str]) -> Iterator[str]:
    for folder in inputs:
        yield from sorted(os.path.join(folder, name) for name in os.listdir(folder))


def survey(source: str) -> Document:
    data = Path(source).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    word, _, number = data.decode().partition(" ")
    if word == "pages":
        return Document(source, digest, int(number.split()[0]))
    if word == "damaged":
        return Document(source, digest, 0, Failure("damaged"))
    return Document(source, digest, 0, skipped="no document: text")


def read_page(ref: PageRef) -> PageResult:
    text = str(int(ref.digest[:6], 16) * ref.number)
    reading = Reading("field-1", "value", text, 0.5, True, ("touching",), Box(1, 2, 3, 4), strip=b"strip" * 100)
    return PageResult(ref, (reading,), failure=None)


def read_on_request(refs: Iterable[PageRef]) -> Iterator[PageResult]:
    for ref in refs:
        print(f"page {ref.number}", flush=True)
        sys.stdin.readline()
        yield read_page(ref)


if __name__ == "__main__":
    # Under nohup it would be ignored, and stay so.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with catch_stops() as stopping:
        folder, out = sys.argv[1:]
        summary = run(Job((folder,), Path(out)), RECIPE, find, survey, in_process, read_on_request, stopping=stopping)
    print("end", flush=True)
    sys.exit(summary.code)
