"""How long the queue of a review takes, with 100,000 fields in the ledger.

    python benchmarks/reviewing.py [--fields 100000]

Makes a ledger of generated readings in a temporary folder: pages of 20 fields of 4 digits, every fifth field flagged,
half of the flagged ones answered. Prints the median and the 95th percentile of every call, by the clock and of the
processor alone.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from docproc.flow.budget import list_offers
from docproc.records.audit import list_judged
from docproc.records.corrections import add, read_state, withdraw
from docproc.records.export import export
from docproc.records.grid import count_tiles, judge_tiles, list_planted, list_tiles
from docproc.records.items import read_item
from docproc.records.lanes import Wanted
from docproc.records.ledger import begin, open_ledger, record, register, visit_ledger
from docproc.records.matching import Answer
from docproc.records.proof import verify
from docproc.records.queue import Queue
from docproc.types import Box, Digit, Document, PageRef, PageResult, Reading

A_PAGE, DIGITS, STRIP = 20, 4, bytes(2500)
CALLS = 200
TILES = 60


def make(path: Path, fields: int) -> float:
    """Fill a ledger; seconds a page took."""
    chance = random.Random(0)
    pages = fields // A_PAGE
    with open_ledger(path) as ledger:
        run = begin(ledger, "recipe")
        register(ledger, run, [Document(f"scans/page{number}.png", f"{number:064x}", 1) for number in range(pages)])
        start = time.perf_counter()
        for number in range(pages):
            record(
                ledger,
                run,
                PageResult(PageRef("", f"{number:064x}", 1), tuple(invent(chance, n) for n in range(A_PAGE))),
            )
        spent = time.perf_counter() - start
    return spent / pages


def invent(chance: random.Random, number: int) -> Reading:
    """A reading; every fifth is flagged."""
    text = "".join(chance.choices("0123456789", k=DIGITS))
    box = Box(100, 100 * number, 200, 60)
    digits = tuple(
        Digit(d, chance.uniform(0.9, 1), Box(100 + 50 * i, 100 * number, 50, 60)) for i, d in enumerate(text)
    )
    flagged = chance.random() < 0.2
    flags = (chance.choice(("low-confidence", "disputed", "touching")), "not-a-digit") if flagged else ()
    return Reading(f"field-{number + 1}", "value", text, chance.random(), flagged, flags, box, digits, strip=STRIP)


def measure(name: str, call: Callable[[], object], times: int = CALLS) -> None:
    """Print how long a call takes, by the clock and of the processor."""
    spent, busy = [], []
    for _ in range(times):
        start, began = time.perf_counter(), time.process_time()
        call()
        spent.append(1000 * (time.perf_counter() - start))
        busy.append(1000 * (time.process_time() - began))
    told = (f"{statistics.median(part):8.1f} {sorted(part)[int(0.95 * (times - 1))]:8.1f}" for part in (spent, busy))
    print(f"{name:44} {'   '.join(told)}", flush=True)


def main() -> None:
    """Make the ledger and ask all there is to ask."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fields", type=int, default=100_000)
    fields = parser.parse_args().fields
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.csv.ledger"
        print(f"record a page of {A_PAGE} fields: {1000 * make(path, fields):.1f} ms")
        with visit_ledger(path) as ledger:
            queue = Queue(ledger)
            half = queue.progress().left // 2
            start = time.perf_counter()
            for number in queue.take("ann", count=half):
                state = read_state(ledger, number)
                assert state is not None
                add(ledger, number, state.version, Answer("value", "1234"), "ann")
            queue.release("ann")
            print(f"{half:,} answers, {1000 * (time.perf_counter() - start) / half:.1f} ms each")
        with visit_ledger(path) as ledger:
            print(f"{'milliseconds':44} {'median':>8} {'95 %':>8}   {'CPU':>8} {'95 %':>8}")
            measure("open the queue", lambda: Queue(ledger), 10)
            queue = Queue(ledger)

            def answer() -> None:
                (number, *_) = queue.take("bob", count=4)
                item = read_item(ledger, number)
                add(ledger, number, item.version, Answer("value", "0000"), "bob")

            last = [0]

            def undo() -> None:
                (number,) = queue.take("bob", after=last[0])
                last[0] = number
                item = read_item(ledger, number)
                made = add(ledger, number, item.version, Answer("blank"), "bob")
                withdraw(ledger, made.id, "bob")

            measure("next four, read one, answer it", answer)
            measure("next four, the least confident", lambda: queue.take("cy", count=4, order="doubtful"))
            some = Wanted(field="field-7", reason="disputed")
            measure("next four of a field with a reason", lambda: queue.take("cy", count=4, wanted=some))
            measure("answer and undo", undo)
            measure("progress", queue.progress)
            measure("progress of a field with a reason", lambda: queue.progress("review", some))
            (first,) = queue.take("bob")
            measure("fields before and behind", lambda: queue.around(first))
            measure("digits by kind, left to judge", lambda: count_tiles(ledger, "recipe"), 20)
            measure("60 tiles", lambda: list_tiles(ledger, "recipe", "7", TILES))
            measure("6 planted tiles", lambda: list_planted(ledger, "recipe", "7", 6, 0))
            tiles = iter(list_tiles(ledger, "recipe", "7", TILES * CALLS))
            measure(
                "60 verdicts", lambda: judge_tiles(ledger, "bob", [(next(tiles), False) for _ in range(TILES)]), 100
            )
            measure("60 tiles, after 6,000 verdicts", lambda: list_tiles(ledger, "recipe", "7", TILES))
            measure("budget", lambda: list_offers(list_judged(ledger, "recipe"), 1.5), 5)
            measure("verify the chain", lambda: verify(ledger), 3)
            measure("results.csv", lambda: export(ledger, "recipe", "long", Path(folder) / "results.csv"), 3)


if __name__ == "__main__":
    main()
