"""How long a reviewer waits, with 100,000 fields in the ledger.

    python benchmarks/review.py [--fields 100000] [--answers 200] [--seconds 0]

Makes a ledger of generated readings in a temporary folder: pages of 20 fields of 4 printed digits, every fifth field
flagged, one of its digits read wrong. Starts `docproc review` on it and clears flagged fields over HTTP as the page
does, with perfect eyes: each answer brings the next four fields, whose pictures are fetched before the next answer.
Meanwhile the results file is written anew. Prints how long the command took to start, the page to open, and of every
kind of answer the median and the 95th percentile, by the clock. `--seconds` rests so long between two answers.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from docproc.records.ledger import begin, beside, open_ledger, record, register
from docproc.types import Box, Digit, Document, PageRef, PageResult, Reading

A_PAGE, DIGITS, FLAGGED = 20, 4, 0.2
WIDTH, HEIGHT = 240, 64
PARTS = ("review.css", "main.js", "ask.js", "item.js", "edit.js", "keys.js", "line.js", "side.js", "grid.js")
TAKING = {"purpose": "review", "count": 4, "order": "page", "after": None, "field": "", "reason": "", "source": ""}


class Browser:
    """Asks as the review page does, and notes how long each answer took in milliseconds."""

    def __init__(self, host: str) -> None:
        self.connection = http.client.HTTPConnection(host, timeout=60)
        self.host = host
        self.cookie = ""
        self.spent: dict[str, list[float]] = defaultdict(list)

    def ask(self, kind: str, path: str, sent: Any = None) -> bytes:
        """The body of an answer."""
        headers = {"Cookie": self.cookie, "Origin": f"http://{self.host}", "Content-Type": "application/json"}
        start = time.perf_counter()
        body = None if sent is None else json.dumps(sent)
        self.connection.request("GET" if sent is None else "POST", path, body, headers)
        reply = self.connection.getresponse()
        told = reply.read()
        self.spent[kind].append(1000 * (time.perf_counter() - start))
        if reply.headers["Set-Cookie"]:
            self.cookie = reply.headers["Set-Cookie"].partition(";")[0]
        elif reply.status != 200:
            raise SystemExit(f"{path} was answered with {reply.status}: {told[:200]!r}")
        return told

    def tell(self, kind: str, path: str, sent: Any) -> Any:
        """The JSON of an answer."""
        return json.loads(self.ask(kind, path, sent))


def make(results: Path, fields: int) -> dict[tuple[int, str], str]:
    """Fill a ledger; what is written in each flagged field, by page and name."""
    chance = random.Random(0)
    written: dict[tuple[int, str], str] = {}
    pages = fields // A_PAGE
    with open_ledger(beside(results)) as ledger:
        run = begin(ledger, "recipe")
        names = [f"scans/page{number}.png" for number in range(pages)]
        register(ledger, run, [Document(name, f"{number:064x}", 1) for number, name in enumerate(names)])
        for number in range(pages):
            readings = []
            for place in range(A_PAGE):
                truth, reading = invent(chance, place)
                readings.append(reading)
                if reading.review:
                    written[number, reading.field] = truth
            record(ledger, run, PageResult(PageRef("", f"{number:064x}", 1), tuple(readings)))
    return written


def invent(chance: random.Random, place: int) -> tuple[str, Reading]:
    """What is written in a field, and its reading."""
    truth = "".join(chance.choices("0123456789", k=DIGITS))
    flagged = chance.random() < FLAGGED
    wrong = chance.randrange(DIGITS) if flagged else -1
    read = "".join(str((int(d) + (number == wrong)) % 10) for number, d in enumerate(truth))
    top = 100 * place
    digits = tuple(
        Digit(
            d,
            chance.uniform(0.4, 0.8) if number == wrong else chance.uniform(0.99, 1),
            Box(10 + 55 * number, top, 50, 60),
        )
        for number, d in enumerate(read)
    )
    flags = ("low-confidence", chance.choice(("disputed", "not-a-digit", "gap"))) if flagged else ()
    box = Box(0, top, WIDTH, HEIGHT)
    confidence = chance.uniform(0.3, 0.9) if flagged else chance.uniform(0.995, 1)
    others = ((truth, 0.3), (read[:-1], 0.01))
    return truth, Reading(
        f"field-{place + 1}", "value", read, confidence, flagged, flags, box, digits, others, draw(truth)
    )


def draw(truth: str) -> bytes:
    """A strip as PNG."""
    gray = np.full((HEIGHT, WIDTH), 250, np.uint8)
    for number, digit in enumerate(truth):
        cv2.putText(gray, digit, (12 + 55 * number, 52), cv2.FONT_HERSHEY_SIMPLEX, 1.8, 30, 3, cv2.LINE_AA)
    return cv2.imencode(".png", gray)[1].tobytes()


def start(results: Path) -> tuple[subprocess.Popen[bytes], str, float]:
    """The command, the address that it printed, and the seconds until then."""
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "docproc.apps.cli", "review", str(results), "--no-open", "--who", "eyes"],
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    found = re.search(r"http://(\S+?)(/\S+)", child.stdout.readline().decode())
    assert found is not None
    return child, f"{found[1]} {found[2]}", time.perf_counter() - began


def open_page(browser: Browser, entry: str) -> tuple[float, list[dict[str, Any]]]:
    """All that the page asks until a field is on the screen: the seconds it took, and the fields."""
    began = time.perf_counter()
    browser.ask("open: address", entry)
    browser.ask("open: page", "/")
    for part in PARTS:
        browser.ask("open: parts", f"/{part}")
    browser.tell("open: lines", "/ask/start", {})
    items: list[dict[str, Any]] = browser.tell("open: first fields", "/ask/take", TAKING)["items"]
    browser.ask("open: first picture", f"/strips/{items[0]['id']}.png")
    return time.perf_counter() - began, items


def clear(
    browser: Browser, items: list[dict[str, Any]], written: dict[tuple[int, str], str], count: int, rest: float
) -> int:
    """Answer so many fields with what is written there; how many answers were right."""
    right = 0
    seen = {items[0]["id"]}
    for _ in range(count):
        item = items[0]
        for other in items:
            if other["id"] not in seen:
                seen.add(other["id"])
                browser.ask("picture of a field", f"/strips/{other['id']}.png")
        page = int(re.findall(r"page(\d+)\.png", item["source"])[0])
        truth = written[page, item["field"]]
        right += any(choice["text"] == truth for choice in item["choices"])
        said = {"item": item["id"], "version": item["version"], "status": "value", "text": truth}
        items = browser.tell("answer, with the next four", "/ask/answer", TAKING | said | {"after": item["id"]})[
            "items"
        ]
        time.sleep(rest)
    return right


def tell(kind: str, spent: list[float]) -> None:
    """Print one line of the table."""
    late = sorted(spent)[int(0.95 * (len(spent) - 1))]
    print(f"{kind:28} {len(spent):8} {statistics.median(spent):8.1f} {late:8.1f}")


def main() -> None:
    """Make the ledger, start the command, clear fields."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fields", type=int, default=100_000)
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.csv"
        written = make(results, asked.fields)
        print(f"{asked.fields:,} fields, {len(written):,} of them flagged")
        child, entry, seconds = start(results)
        print(f"the command served after {seconds:.2f} s")
        host, path = entry.split()
        browser = Browser(host)
        seconds, items = open_page(browser, path)
        print(f"the page was open after {seconds:.2f} s more")
        again, items = open_page(browser, path)
        print(f"opened once more: {again:.2f} s")
        right = clear(browser, items, written, asked.answers, asked.seconds)
        print(f"{asked.answers} fields cleared; for {right} the right value was one key away")
        browser.tell("progress of all lines", "/ask/keep", {"items": []})
        print(f"{'milliseconds':28} {'answers':>8} {'median':>8} {'95 %':>8}")
        for kind, spent in browser.spent.items():
            tell(kind, spent)
        every = [taken for kind, spent in browser.spent.items() if not kind.startswith("open") for taken in spent]
        tell("all while reviewing", every)
        child.send_signal(signal.SIGINT)
        child.wait(120)


if __name__ == "__main__":
    main()
