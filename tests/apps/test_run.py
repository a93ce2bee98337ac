"""The main job from the command line, over the samples, with an untrained network."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

Docproc = Callable[..., "subprocess.Popen[bytes]"]
PAGES = 5
FIELDS_OF_LONG = "source,page,field,value,status,confidence,review,reasons,x,y,width,height"


@pytest.fixture(scope="session")
def undisturbed(
    docproc: Docproc, samples: Path, model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bytes, str, float]:
    """The CSV of a run over the samples, what it said, and how long it took."""
    out = tmp_path_factory.mktemp("undisturbed") / "results.csv"
    start = time.monotonic()
    child = docproc("run", samples, "--out", out, "--model", model)
    _, errors = child.communicate()
    took = time.monotonic() - start
    assert child.returncode == 0, errors.decode()
    return out.read_bytes(), errors.decode(), took


def test_every_page_has_rows(undisturbed: tuple[bytes, str, float]) -> None:
    lines = undisturbed[0].decode().splitlines()
    assert lines[0] == FIELDS_OF_LONG
    pages = {(row["source"], row["page"]) for row in csv.DictReader(lines)}
    assert len(pages) == PAGES


def test_summary_is_on_standard_error(undisturbed: tuple[bytes, str, float]) -> None:
    assert f"{PAGES} pages in = {PAGES} read + 0 failed, from 3 files" in undisturbed[1]
    assert "skipped 3 files" in undisturbed[1]
    assert "expected.csv (no document" in undisturbed[1]


@pytest.mark.parametrize("moment", [0.6, 0.85])
def test_killed_and_run_again_gives_the_undisturbed_file(
    docproc: Docproc, samples: Path, model: Path, tmp_path: Path, undisturbed: tuple[bytes, str, float], moment: float
) -> None:
    out = tmp_path / "results.csv"
    child = docproc("run", samples, "--out", out, "--model", model)
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=undisturbed[2] * moment)
    child.kill()
    child.communicate()
    done = count_pages(out)
    child = docproc("run", samples, "--out", out, "--model", model)
    _, errors = child.communicate()
    assert child.returncode == 0, errors.decode()
    assert out.read_bytes() == undisturbed[0]
    assert (f"{done} page{'s' * (done > 1)} had been done by an earlier run" in errors.decode()) == (done > 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_to_the_whole_group_loses_no_page(
    docproc: Docproc,
    samples: Path,
    model: Path,
    tmp_path: Path,
    undisturbed: tuple[bytes, str, float],
    number: signal.Signals,
) -> None:
    out = tmp_path / "results.csv"
    child = docproc("run", samples, "--out", out, "--model", model, "--workers", "1")
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=undisturbed[2] * 0.7)
    os.killpg(child.pid, number)
    _, errors = child.communicate()
    assert b"Traceback" not in errors
    assert child.returncode in (0, 130, -number)
    child = docproc("run", samples, "--out", out, "--model", model)
    assert child.wait() == 0
    child.communicate()
    assert out.read_bytes() == undisturbed[0]


def count_pages(out: Path) -> int:
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"{out}.ledger")) as ledger:
        return int(ledger.execute("SELECT count(*) FROM pages").fetchone()[0])
    return 0


def test_workers_make_no_difference(
    docproc: Docproc, samples: Path, model: Path, undisturbed: tuple[bytes, str, float]
) -> None:
    child = docproc("run", samples, "--out", "-", "--model", model, "--workers", "0")
    out, errors = child.communicate()
    assert child.returncode == 0, errors.decode()
    assert out == undisturbed[0]


def test_a_pipe_that_closes_gives_no_traceback(docproc: Docproc, model: Path, page: Path) -> None:
    child = docproc("run", page, "--out", "-", "--model", model, "--workers", "0")
    assert child.stdout is not None
    child.stdout.close()
    assert child.stderr is not None
    errors = child.stderr.read().decode()
    assert child.wait() == 0
    assert "1 page in = 1 read" in errors
    assert "Traceback" not in errors
    assert "Broken" not in errors
    child.stderr.close()


@pytest.fixture
def odd_names(page: Path, tmp_path: Path) -> Iterator[bytes]:
    folder = os.fsencode(tmp_path) + b"/odd"
    os.mkdir(folder)
    try:
        for name in (b"caf\xe9.jpg", b"=cmd|calc.jpg", b'new\nline, "quoted".jpg', b"-rf.jpg", "añ.jpg".encode()):
            shutil.copyfile(page, os.path.join(folder, name))
    except OSError:
        pytest.skip("this file system takes no such names")
    yield folder
    shutil.rmtree(folder)


def test_odd_names_in_a_poor_locale(docproc: Docproc, model: Path, odd_names: bytes, tmp_path: Path) -> None:
    out = tmp_path / "r.csv"
    poor = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    child = docproc("run", b".", "--out", out, "--model", model, "--workers", "0", cwd=odd_names, **poor)
    _, errors = child.communicate()
    assert child.returncode == 0, errors.decode()
    with out.open(encoding="utf-8", newline="") as file:
        sources = sorted({row["source"] for row in csv.DictReader(file)})
    assert sources == ["./-rf.jpg", "./=cmd|calc.jpg", "./añ.jpg", "./caf\\xe9.jpg", './new\nline, "quoted".jpg']


def test_failed_files_are_rows_and_named(docproc: Docproc, model: Path, page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    shutil.copyfile(page, folder / "good.jpg")
    (folder / "cut.jpg").write_bytes(page.read_bytes()[:3000])
    (folder / "empty.pdf").touch()
    out = tmp_path / "r.csv"
    child = docproc("run", folder, "--out", out, "--model", model)
    _, errors = child.communicate()
    said = errors.decode()
    assert child.returncode == 8, said
    assert "3 pages in = 1 read + 2 failed, from 3 files" in said
    assert "failed (empty), 1 page: the file has no bytes; scan or copy it again" in said
    assert "Traceback" not in said
    with out.open(encoding="utf-8") as file:
        reasons = {
            Path(row["source"]).name: row["reasons"] for row in csv.DictReader(file) if row["status"] == "failed"
        }
    assert reasons == {"cut.jpg": "damaged", "empty.pdf": "empty"}
