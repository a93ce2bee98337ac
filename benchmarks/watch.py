"""What a watched folder stands, and what it costs.

python benchmarks/watch.py soak [--files 2000] [--kills 20] [--seconds 240] [--seed 7] [--folder FOLDER]
python benchmarks/watch.py cost [--at 1000 10000] [--files 500] [--stay]

`soak` lets two writers bring files at random speed, half of them in odd ways, kills the watcher again and again, and
fails where a file is lost, moved wrongly, or read otherwise than by an undisturbed run. `cost` fills a ledger and
measures what a file costs at each size, from the request to the row in the table, and the watcher's memory there. With
`--stay` files are not moved away.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.apps.soak import count_final, draw_strip, encode, resident, soak

MOST_GROWTH = 1.15
"""Memory at the end of a watch, over that after its first files."""


def measure_soak(files: int, kills: int, seconds: float, seed: int, folder: Path) -> None:
    """Run the soak and print how it went."""
    ended = soak(folder, files, kills, seconds, seed)
    print(f"{files} files, {kills} kills, {ended.seconds:.0f} s: {ended.states}; the table is that of a calm run")
    print(f"memory of the last watcher: {ended.warm / 1024:.0f} MiB early, {ended.last / 1024:.0f} MiB at the end")


def measure_cost(sizes: list[int], files: int, stay: bool, folder: Path) -> None:
    """Print what a file costs at each size of the ledger."""
    inbox = folder / "inbox"
    inbox.mkdir(parents=True)
    pictures = [draw_strip(number) for number in range(40)]
    given = ["inbox", "--out", "r.csv", "--settle", "0.2", "--rescan", "5", "--strips", "--device", "cpu"]
    moving = [] if stay else ["--done", "done", "--failed", "failed"]
    command = [sys.executable, "-m", "docproc.apps.cli", "watch", *given, *moving]
    watcher = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert watcher.stderr is not None
    made = told = 0

    def bring(more: int) -> None:
        nonlocal made, told
        assert watcher.stderr is not None
        for number in range(made, made + more):
            (inbox / f"f{number}.png").write_bytes(encode(pictures[number % len(pictures)], number, "PNG"))
        made += more
        while told < made:
            told += b": done:" in next(watcher.stderr)

    bring(100)
    early = None
    for size in sizes:
        bring(max(size - made, 0))
        before, used = time.monotonic(), spent(watcher.pid)
        bring(files)
        took, cpu = time.monotonic() - before, spent(watcher.pid) - used
        memory = resident(watcher.pid)
        early = early or memory
        print(
            f"{size:>7,} files known: {1000 * took / files:.1f} ms a file, {1000 * cpu / files:.1f} ms of CPU in the"
            f" watcher itself; memory {memory / 1024:.0f} MiB",
            flush=True,
        )
    watcher.send_signal(signal.SIGTERM)
    watcher.communicate()
    assert watcher.returncode == 0
    assert count_final(folder) == made
    assert memory <= MOST_GROWTH * early, "the watcher's memory has grown"
    print(f"most memory of any process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")


def spent(process: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["soak", "cost"])
    parser.add_argument("--files", type=int)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--at", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--stay", action="store_true")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        if given.what == "soak":
            measure_soak(given.files or 2000, given.kills, given.seconds, given.seed, folder)
        else:
            measure_cost(given.at, given.files or 500, given.stay, folder)


if __name__ == "__main__":
    main()
