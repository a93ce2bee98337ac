"""Which files a watched folder holds, and what the system says of them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from docproc.apps.watch.events import MOST_HINTS, Events, Hints
from docproc.apps.watch.inbox import identify, is_passed_over, is_same, is_within, make_stamp, sight, walk


def never(path: str, error: OSError) -> None:
    raise AssertionError(path) from error


def names(folder: Path) -> list[str]:
    return sorted(os.path.relpath(sighting.path, folder) for sighting in walk(str(folder), never))


def test_only_regular_files_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.pdf").touch()
    (tmp_path / "elsewhere.pdf").symlink_to("sub/a.pdf")
    (tmp_path / "sub" / "loop").symlink_to("..")
    os.mkfifo(tmp_path / "pipe.pdf")
    with socket.socket(socket.AF_UNIX) as line:
        line.bind("socket.pdf")
        assert names(tmp_path) == ["sub/a.pdf"]
    assert sight(str(tmp_path / "pipe.pdf")) is None
    assert sight(str(tmp_path / "elsewhere.pdf")) is None


@pytest.mark.parametrize(
    "name",
    [".DS_Store", "._a.pdf", "Thumbs.db", "@eaDir", "~$a.xlsx", ".~lock.a.pdf#", "a.pdf.part", "A.PDF.FILEPART",
     "a.crdownload", "a.pdf.reason.txt", ".a.pdf.moved"],
)  # fmt: skip
def test_what_is_none_of_ours_is_passed_over(name: str, tmp_path: Path) -> None:
    assert is_passed_over(name)
    assert not is_within(os.path.join("ward", name, "a.pdf"))
    (tmp_path / name).mkdir()
    (tmp_path / name / "a.pdf").touch()
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["a.pdf", "=cmd|x.png", "-rf.png", "reason.txt", "new\nline.png", "party.png"])
def test_other_names_are_not(name: str, tmp_path: Path) -> None:
    assert not is_passed_over(name)
    (tmp_path / name).touch()
    assert names(tmp_path) == [name]


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.png")).touch()
    except OSError:
        pytest.skip("this file system takes no such names")
    assert [os.fsencode(name) for name in names(tmp_path)] == [b"caf\xe9.png"]


def test_a_stamp_changes_with_the_file_but_not_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("one")
    stamp = make_stamp(path.stat())
    os.rename(path, tmp_path / "b")
    assert is_same((tmp_path / "b").stat(), stamp)
    (tmp_path / "c").write_text("one")
    os.utime(tmp_path / "c", ns=((tmp_path / "b").stat().st_mtime_ns,) * 2)
    assert not is_same((tmp_path / "c").stat(), stamp)
    (tmp_path / "b").write_text("longer")
    assert not is_same((tmp_path / "b").stat(), stamp)


def test_what_cannot_be_looked_at_is_told_and_the_rest_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").touch()
    told: list[str] = []
    missing = str(tmp_path / "gone")
    assert list(walk(missing, lambda path, error: told.append(path))) == []
    assert told == [missing]
    assert identify(missing) is None
    assert identify(str(tmp_path)) != identify(str(tmp_path.parent))


def test_too_many_hints_ask_for_a_look_at_everything() -> None:
    hints = Hints()
    for number in range(MOST_HINTS + 1):
        hints.add(str(number))
    assert hints.take() == ([], True)
    hints.add("a")
    hints.add("a")
    assert hints.take() == (["a"], False)
    assert hints.take() == ([], False)


def gather(hints: Hints, wanted: str) -> bool:
    """Wait for a hint, a moderate while."""
    seen: list[str] = []
    for _ in range(20):
        hints.wait(0.5, lambda: False)
        seen += hints.take()[0]
        if wanted in seen:
            return True
    return False


def test_the_system_tells_of_files_and_folders_that_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inbox").mkdir()
    (tmp_path / "made" / "deep").mkdir(parents=True)
    hints = Hints()
    events = Events("inbox", hints)
    try:
        if problem := events.begin():
            pytest.skip(f"no events here: {problem}")
        (tmp_path / "inbox" / "a.pdf").write_text("x")
        assert gather(hints, "inbox/a.pdf")
        os.rename(tmp_path / "made", tmp_path / "inbox" / "ward")
        assert gather(hints, "inbox/ward")
        odd = tmp_path / "inbox" / os.fsdecode(b"caf\xe9.png")
        odd.write_text("x")
        assert gather(hints, os.fsdecode(b"inbox/caf\xe9.png"))
    finally:
        events.close()


def test_a_warning_of_the_library_counts_as_a_loss(tmp_path: Path) -> None:
    import logging

    hints = Hints()
    events = Events(str(tmp_path), hints)
    try:
        logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; events were lost")
        assert hints.take() == ([], True)
    finally:
        events.close()
