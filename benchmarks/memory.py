"""What a long PDF costs in memory: `python benchmarks/memory.py [--pages N] [--workers N] [--drawn]`. Linux only.

One PDF of N pages is made, no two alike, each a scan of a comb and a box; with `--drawn` each has a line drawn over it,
so that it is rendered. `docproc run` reads it, and ten times on the way the memory of its processes is looked at:
resident, in MB, that of the process that records and of the largest worker, and how many files are open.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pikepdf

from docproc.train.report import render_table

STEPS = 10
WIDTH, HEIGHT, DPI = 1000, 700, 150
LOOKS_A_SECOND = 10


class Look(NamedTuple):
    """The processes of a run at one moment."""

    pages: int
    recorder: int
    worker: int
    files: int


def make_pdf(path: Path, pages: int, drawn: bool) -> None:
    """Write the document; its pages are JPEG scans with page numbers in their fields."""
    with pikepdf.new() as pdf:
        for number in range(1, pages + 1):
            gray = np.full((HEIGHT, WIDTH), 245, np.uint8)
            for cell in range(6):
                cv2.rectangle(gray, (100 + 60 * cell, 100), (160 + 60 * cell, 170), 40, 2)
                cv2.putText(gray, f"{number:06}"[cell], (115 + 60 * cell, 152), cv2.FONT_HERSHEY_DUPLEX, 1.3, 60, 3)
            cv2.rectangle(gray, (100, 300), (460, 370), 40, 2)
            cv2.putText(gray, str(7 * number), (115, 352), cv2.FONT_HERSHEY_DUPLEX, 1.3, 60, 3)
            scan = pikepdf.Stream(pdf, cv2.imencode(".jpg", gray)[1].tobytes())
            scan.Type, scan.Subtype, scan.Filter = (
                pikepdf.Name.XObject,
                pikepdf.Name.Image,
                pikepdf.Name.DCTDecode,
            )
            scan.Width, scan.Height, scan.BitsPerComponent = WIDTH, HEIGHT, 8
            scan.ColorSpace = pikepdf.Name.DeviceGray
            size = (WIDTH * 72 / DPI, HEIGHT * 72 / DPI)
            page = pdf.add_blank_page(page_size=size)
            line = " q 0.5 w 10 10 m 200 10 l S Q" if drawn else ""
            page.Contents = pdf.make_stream(f"q {size[0]} 0 0 {size[1]} 0 0 cm /Scan Do Q{line}".encode())
            page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Scan=scan))
        pdf.save(path)


def watch(command: list[str], ledger: Path) -> Iterator[Look]:
    """Run the command to its end and look at its processes all the while."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None:
        with suppress(OSError, ValueError):
            workers = [resident(process) for process in children(child.pid)]
            files = len(os.listdir(f"/proc/{child.pid}/fd"))
            yield Look(count_pages(ledger), resident(child.pid), max(workers, default=0), files)
        time.sleep(1 / LOOKS_A_SECOND)
    if child.returncode:
        raise SystemExit(f"docproc run ended with {child.returncode}")


def resident(process: int) -> int:
    """Megabytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 10**6


def children(process: int) -> list[int]:
    """Of all threads of a process."""
    return [
        int(word)
        for task in Path(f"/proc/{process}/task").iterdir()
        for word in (task / "children").read_text().split()
    ]


def count_pages(ledger: Path) -> int:
    """How many are recorded."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as read:
        return int(read.execute("SELECT count(*) FROM pages").fetchone()[0])
    return 0


def main() -> None:
    """Print one row for each tenth of the document: the most that was seen in it."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--pages", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--drawn", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        document, out = Path(folder, "long.pdf"), Path(folder, "r.csv")
        make_pdf(document, asked.pages, asked.drawn)
        print(f"{asked.pages} pages, {document.stat().st_size / 1e6:.0f} MB")
        words = ["run", str(document), "--out", str(out), "--workers", str(asked.workers)]
        most: dict[int, Look] = {}
        start = time.monotonic()
        for look in watch([sys.executable, "-m", "docproc.apps.cli", *words], Path(f"{out}.ledger")):
            if look.pages:
                step = min(look.pages * STEPS // asked.pages, STEPS - 1)
                before = most.get(step, look)
                most[step] = Look(*(max(pair) for pair in zip(before, look, strict=True)))
        print(f"{asked.pages / (time.monotonic() - start):.1f} pages a second, start-up and export included")
    head = ("pages", "recorder, MB", "largest worker, MB", "open files")
    print(render_table([head, *(tuple(map(str, most[step])) for step in sorted(most))]))


if __name__ == "__main__":
    main()
