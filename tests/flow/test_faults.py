"""What may befall inputs and outputs between two runs costs no page and no work done before."""

from __future__ import annotations

import csv
import os
import runpy
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from docproc.flow.job import Job, Summary, run
from docproc.flow.mappers import in_process
from docproc.options import Options
from docproc.pages.sources import find, survey
from docproc.types import PageRef, PageResult

SCRIPT = Path(__file__).with_name("stub_run.py")
LONG_AGO, TO_COME = -1.0, 4e9


@pytest.fixture
def stub() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(SCRIPT), run_name="stub"))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder of three scans."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number in range(1, 4):
        Image.new("L", (30, 20 + number), 255).save(folder / f"scan{number}.png")
    return folder


@pytest.fixture
def work(inbox: Path, stub: SimpleNamespace, tmp_path: Path) -> Callable[..., Summary]:
    """Find and survey real files, read them by the stub; `asked` collects the names that were read."""

    def run_over(asked: list[str], out: Path = tmp_path / "results.csv") -> Summary:
        def reader(refs: Iterable[PageRef]) -> Iterator[PageResult]:
            for ref in refs:
                asked.append(os.path.basename(ref.source))
                yield stub.read_page(ref)

        look = partial(survey, options=Options())
        return run(Job((str(inbox),), out), stub.RECIPE, find, look, in_process, reader)

    return run_over


def sources(out: Path) -> list[str]:
    with out.open(encoding="utf-8") as file:
        return [os.path.basename(row["source"]) for row in csv.DictReader(file)]


def test_renamed_and_copied_files_are_not_read_again_and_have_rows_under_each_name(
    work: Callable[..., Summary], inbox: Path, tmp_path: Path
) -> None:
    asked: list[str] = []
    work(asked)
    (inbox / "scan1.png").rename(inbox / "first.png")
    shutil.copyfile(inbox / "scan2.png", inbox / "scan2 (copy).png")
    summary = work(asked)
    assert asked == ["scan1.png", "scan2.png", "scan3.png"]
    assert (summary.pages, summary.tally.read, summary.tally.others) == (4, 4, 1)
    expected = ["first.png", "scan1.png", "scan2 (copy).png", "scan2.png", "scan3.png"]
    assert sorted(sources(tmp_path / "results.csv")) == expected


def test_file_that_could_not_be_opened_is_looked_at_again_by_the_next_run(
    work: Callable[..., Summary], inbox: Path, tmp_path: Path
) -> None:
    asked: list[str] = []
    place = tmp_path / "elsewhere.png"
    (inbox / "scan2.png").rename(place)
    (inbox / "scan2.png").symlink_to(place)
    place.rename(tmp_path / "gone.png")
    summary = work(asked)
    assert (summary.tally.read, summary.tally.failures) == (2, (("gone", 1),))
    (tmp_path / "gone.png").rename(place)
    summary = work(asked)
    assert (summary.tally.read, summary.tally.failed) == (3, 0)
    assert asked == ["scan1.png", "scan3.png", "scan2.png"]
    assert sources(tmp_path / "results.csv") == ["scan1.png", "scan2.png", "scan3.png"]


def test_times_of_files_mean_nothing(work: Callable[..., Summary], inbox: Path, tmp_path: Path) -> None:
    work([])
    before = (tmp_path / "results.csv").read_bytes()
    for path, moment in zip(sorted(inbox.iterdir()), (TO_COME, LONG_AGO, 0.0), strict=True):
        os.utime(path, (moment, moment))
    asked: list[str] = []
    work(asked)
    assert asked == []
    assert (tmp_path / "results.csv").read_bytes() == before
    work(asked, tmp_path / "another.csv")
    assert asked == ["scan1.png", "scan2.png", "scan3.png"]
    assert (tmp_path / "another.csv").read_bytes() == before


def test_who_is_half_way_through_the_results_reads_the_old_ones_to_their_end(
    work: Callable[..., Summary], inbox: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results.csv"
    work([])
    before = out.read_bytes()
    with out.open("rb") as reader:
        half = reader.read(len(before) // 2)
        Image.new("L", (30, 20), 255).save(inbox / "scan0.png")
        work([])
        assert half + reader.read() == before
    assert out.read_bytes() != before
