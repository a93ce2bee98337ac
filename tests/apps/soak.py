"""A rough day for a watched folder: many files from two writers, and a watcher that is killed again and again.

As a script, it is one of the writers: `soak.py PLAN FOLDER WRITER SEED`.
"""

from __future__ import annotations

import heapq
import io
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from docproc.apps.watch.inbox import sight
from docproc.train.draw import Hand, Pen, draw_writer, start_sheet
from docproc.train.paper import to_bytes, to_grey
from docproc.train.sheet import BLUE, write_line

DRAWN = 60
"""Pictures that are drawn; every file is one of them, made unlike all others by a word that no reader sees."""
LONGEST_PAUSE = 3.0
"""Seconds for which a writer leaves a file half done: less than a watcher waits before it gives up on one."""
SETTLE, RESCAN = "0.5", "3"
ODD = (b"=cmd|%d.png", b"caf\xe9 %d.png", b'new\nline, "quoted" %d.png', b"-rf %d.png", b"@sum(%d).png", b"a  b %d.PNG")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a soak went: seconds, kills, files in each state, and kilobytes of the last watcher, early and at the end."""

    seconds: float
    kills: int
    states: dict[str, int]
    warm: int
    last: int


def make_files(folder: Path, count: int, seed: int) -> list[bytes]:
    """Fill a folder; the paths of the files in it, relative, in a random order."""
    rng = random.Random(seed)
    pictures = [draw_strip(number) for number in range(DRAWN)]
    names: list[bytes] = []
    contents: list[bytes] = []
    for number in range(count):
        name, content = make_file(rng, number, pictures, contents)
        contents.append(content)
        sub = rng.choice([b"", b"", b"", b"ward 3", b"2026/11", "añ/b".encode()])
        path = os.path.join(sub, name)
        names.append(path)
        whole = os.path.join(os.fsencode(folder), path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            file.write(content)
    rng.shuffle(names)
    return names


def make_file(rng: random.Random, number: int, pictures: list[Image.Image], others: list[bytes]) -> tuple[bytes, bytes]:
    """The name and the bytes of one file."""
    dice = rng.random()
    picture = rng.choice(pictures)
    if dice < 0.06 and others:
        return b"copy %d.png" % number, rng.choice(others)
    if dice < 0.09:
        return b"cut %d.png" % number, encode(picture, number, "PNG")[:-200]
    if dice < 0.11:
        return b"empty %d.pdf" % number, b""
    if dice < 0.13:
        return b"page %d.pdf" % number, b"<html>not found %d</html>" % number
    if dice < 0.15:
        return b"notes %d.txt" % number, b"call %d" % number
    if dice < 0.20:
        return b"fax %d.tif" % number, encode(picture, number, "TIFF", rng.choice(pictures))
    if dice < 0.25:
        return b"scan %d.pdf" % number, encode(picture, number, "PDF")
    name = rng.choice(ODD) if dice < 0.35 else b"field %d.png"
    return name % number, encode(picture, number, "PNG")


def draw_strip(seed: int) -> Image.Image:
    """One field: a number of two to seven digits, written by hand."""
    rng = np.random.default_rng(seed)
    sheet = start_sheet(rng, 48, 12, 100)
    number = str(rng.integers(10, 10 ** int(rng.integers(2, 8))))
    write_line(sheet, Hand(draw_writer(seed), Pen(BLUE, 0.5)), number, (4, 9), 6)
    return Image.fromarray(to_bytes(to_grey(sheet.picture)))


def encode(picture: Image.Image, number: int, kind: str, *more: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture = picture.copy()  # saving leaves settings on an image that another format takes amiss
    if kind == "PNG":
        word = PngImagePlugin.PngInfo()
        word.add_text("number", str(number))
        picture.save(stream, "PNG", pnginfo=word, dpi=(100, 100))
    elif kind == "TIFF":
        picture.save(
            stream,
            "TIFF",
            save_all=True,
            append_images=[one.copy() for one in more],
            description=str(number),
            dpi=(100, 100),
        )
    else:
        picture.convert("L").save(stream, "PDF", resolution=100, title=str(number))
    return stream.getvalue()


def write_slowly(calm: bytes, inbox: bytes, names: list[bytes], seconds: float, seed: int) -> None:
    """Bring files into the folder as scanners and people do: in bits, in one go, by renaming, by moving a folder."""
    rng = random.Random(seed)
    halves: list[tuple[float, bytes, int]] = []
    end = time.monotonic() + seconds
    for place, name in enumerate(names):
        left = max(end - time.monotonic(), 0) / (len(names) - place)
        time.sleep(rng.uniform(0, 2) * left)
        while halves and halves[0][0] <= time.monotonic():
            finish(calm, inbox, heapq.heappop(halves))
        content = read(os.path.join(calm, name))
        target = os.path.join(inbox, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        dice = rng.random()
        if dice < 0.2 and len(content) > 1:
            done = rng.randrange(len(content))
            with open(target, "wb") as file:
                file.write(content[:done])
            heapq.heappush(halves, (time.monotonic() + rng.uniform(0.1, LONGEST_PAUSE), name, done))
        elif dice < 0.4:
            aside = os.path.join(os.path.dirname(target), b"." + os.path.basename(target))
            with open(aside, "wb") as file:
                file.write(content)
            os.rename(aside, target)
        else:
            with open(target, "wb") as file:
                file.write(content)
    while halves:
        half = heapq.heappop(halves)
        time.sleep(max(half[0] - time.monotonic(), 0))
        finish(calm, inbox, half)


def finish(calm: bytes, inbox: bytes, half: tuple[float, bytes, int]) -> None:
    _, name, done = half
    with open(os.path.join(inbox, name), "ab") as file:
        file.write(read(os.path.join(calm, name))[done:])


def read(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def start_watcher(folder: Path, log: int, *more: str) -> subprocess.Popen[bytes]:
    given = ("inbox", "--out", "r.csv", "--done", "done", "--failed", "failed", "--settle", SETTLE, "--rescan", RESCAN)
    command = [sys.executable, "-m", "docproc.apps.cli", "watch", *given, "--strips", "--device", "cpu", *more]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.PIPE)


def run_calmly(folder: Path, *more: str) -> bytes:
    """What `docproc run` makes of the same files."""
    command = [
        sys.executable,
        "-m",
        "docproc.apps.cli",
        "run",
        "inbox",
        "--out",
        "r.csv",
        "--strips",
        "--device",
        "cpu",
    ]
    subprocess.run([*command, *more], cwd=folder, capture_output=True, check=False)
    return (folder / "r.csv").read_bytes()


def start_writers(
    calm: Path, live: Path, names: list[bytes], seconds: float, seed: int
) -> list[subprocess.Popen[bytes]]:
    """Two processes that share the files between them."""
    writers = []
    for number in (0, 1):
        plan = live / f"plan-{number}"
        plan.write_bytes(b"\0".join(names[number::2]))
        command = [sys.executable, __file__, plan, calm / "inbox", live / "inbox", f"{seconds}", f"{seed + number}"]
        writers.append(subprocess.Popen([os.fspath(word) for word in command]))
    return writers


def soak(folder: Path, count: int, kills: int, seconds: float, seed: int, *more: str) -> Ended:
    """Let writers and killers loose; raises AssertionError where a file is lost or the table is another."""
    calm, live = folder / "calm", folder / "live"
    for place in (calm / "inbox", live / "inbox"):
        place.mkdir(parents=True)
    names = make_files(calm / "inbox", count, seed)
    expected = run_calmly(calm, *more)
    start = time.monotonic()
    writers = start_writers(calm, live, names, seconds, seed)
    rng = random.Random(seed)
    for _ in range(kills):
        with (live / "log").open("ab") as log:
            watcher = start_watcher(live, log.fileno(), *more)
            drain(watcher, rng.uniform(0.5, 2.2) * seconds / kills)
            watcher.kill()
            watcher.communicate()
    for writer in writers:
        assert writer.wait() == 0
    warm, last = finish_watch(live, count, *more)
    took = time.monotonic() - start
    states = check(live, names)
    assert (live / "r.csv").read_bytes() == expected
    return Ended(took, kills, states, warm, last)


def drain(watcher: subprocess.Popen[bytes], seconds: float) -> None:
    """Let the watcher live so long."""
    with suppress(subprocess.TimeoutExpired):
        watcher.communicate(timeout=seconds)


def finish_watch(live: Path, count: int, *more: str) -> tuple[int, int]:
    """Watch until every file has its outcome, then ask to stop; kilobytes early and at the end."""
    with (live / "log").open("ab") as log:
        watcher = start_watcher(live, log.fileno(), *more)
        assert watcher.stderr is not None
        warm = last = 0
        for lines, line in enumerate(watcher.stderr, start=1):
            log.write(line)
            last = resident(watcher.pid)
            if lines == 20:
                warm = last
            if count_final(live) == count:
                break
        watcher.send_signal(signal.SIGTERM)
        _, rest = watcher.communicate()
        log.write(rest)
    assert watcher.returncode == 0, rest.decode(errors="replace")
    return warm or last, last


def resident(process: int) -> int:
    """Kilobytes of memory that a process holds, 0 where that cannot be told."""
    with suppress(OSError), open(f"/proc/{process}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    return 0


def count_final(live: Path) -> int:
    """Files whose outcome stands; of one that lies there still, only if it has not changed since."""
    with closing(sqlite3.connect(live / "r.csv.ledger", timeout=10)) as ledger:
        ended = ledger.execute("SELECT path, stamp FROM watched WHERE state <> 'waiting'").fetchall()
    seen = ((sight(os.path.join(os.fspath(live), os.fsdecode(path))), stamp) for path, stamp in ended)
    return sum(1 for sighting, stamp in seen if sighting is None or sighting.stamp == stamp)


def check(live: Path, names: list[bytes]) -> dict[str, int]:
    """Count the files in each state; AssertionError unless each is in exactly one, and lies where that says."""
    with closing(sqlite3.connect(live / "r.csv.ledger")) as ledger:
        known = {
            path: (state, place) for path, state, place in ledger.execute("SELECT path, state, place FROM watched")
        }
    assert set(known) == {os.path.join(b"inbox", name) for name in names}
    states: dict[str, int] = {}
    lying = {part: set(list_files(os.fsencode(live / part))) for part in ("inbox", "done", "failed")}
    for name in names:
        state, place = known[os.path.join(b"inbox", name)]
        states[state] = states.get(state, 0) + 1
        home = "inbox" if state == "skipped" else state
        assert [part for part in lying if name in lying[part]] == [home], (name, state)
        assert place == (None if state == "skipped" else os.path.join(os.fsencode(home), name))
    reasons = {name for name in lying["failed"] if name.endswith(b".reason.txt")}
    assert {name.removesuffix(b".reason.txt") for name in reasons} == lying["failed"] - reasons
    assert sum(len(files) for files in lying.values()) == len(names) + len(reasons)
    return states


def list_files(folder: bytes) -> Iterator[bytes]:
    for root, _, files in os.walk(folder):
        yield from (os.path.relpath(os.path.join(root, name), folder) for name in files)


if __name__ == "__main__":
    plan, calm, inbox, seconds, seed = sys.argv[1:]
    write_slowly(os.fsencode(calm), os.fsencode(inbox), read(os.fsencode(plan)).split(b"\0"), float(seconds), int(seed))
