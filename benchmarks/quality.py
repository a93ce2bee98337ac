"""What is said of the scans in a folder, and what it costs: `python benchmarks/quality.py PAGES`.

One line a page: CPU milliseconds of the look, the median of five on one thread, the size of the page, and its flags.
On pages that are known to be good each flag is a false alarm.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator

import cv2

from docproc.clean.quality import find_faults
from docproc.errors import PageError
from docproc.options import Options
from docproc.pages.load import load
from docproc.pages.sources import find, survey
from docproc.types import Page, PageRef

ROUNDS = 5


def load_pages(inputs: list[str]) -> Iterator[Page]:
    """Every page of the documents that can be opened."""
    options = Options()
    for source in find(inputs):
        document = survey(source, options)
        for number in range(1, document.pages + 1):
            try:
                yield load(PageRef(source, document.digest, number), options)
            except PageError as error:
                print(f"{source} page {number}: {error.code}")


def measure(page: Page) -> float:
    """CPU milliseconds of one look at the page."""
    start = time.process_time()
    find_faults(page)
    return 1000 * (time.process_time() - start)


def main(inputs: list[str]) -> None:
    """Print a line a page, then how often each flag was given and the cost of all pages."""
    cv2.setNumThreads(1)
    costs, flagged, counts = [], 0, Counter[str]()
    for page in load_pages(inputs):
        costs.append(statistics.median(measure(page) for _ in range(ROUNDS)))
        flags = find_faults(page).flags
        flagged += bool(flags)
        counts.update({flag.partition("=")[0] for flag in flags})
        height, width = page.gray.shape
        name = f"{page.ref.source} {page.ref.number}"
        print(f"{costs[-1]:6.1f} ms  {width} x {height}, {page.dpi:.0f} dpi  {name}  {' '.join(flags)}", flush=True)
    if costs:
        print(f"{len(costs)} pages, {flagged} flagged {dict(counts)}; median {statistics.median(costs):.1f} ms a page")


if __name__ == "__main__":
    main(sys.argv[1:])
