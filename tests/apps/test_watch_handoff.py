"""A file that is moved is never lost, never doubled, and never takes another's place."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from docproc.apps.watch.handoff import choose_place, move, write_reason
from docproc.apps.watch.inbox import sight


@pytest.fixture(params=["same", "other"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder on the same file system, and one on another."""
    if request.param == "same":
        yield tmp_path / "done"
        return
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no other file system at hand")
    folder = memory / f"docproc-{os.getpid()}-{request.node.name.partition('[')[0]}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def stamp(path: Path) -> str:
    seen = sight(str(path))
    assert seen is not None
    return seen.stamp


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_moved_with_its_folder_mode_and_time(tmp_path: Path, archive: Path) -> None:
    path = put(tmp_path / "inbox" / "ward 3" / "a.pdf", "one")
    path.chmod(0o640)
    os.utime(path, (1000, 2000))
    place = choose_place(str(archive), "ward 3/a.pdf", lambda place: False)
    assert move(str(path), stamp(path), place)
    assert names(tmp_path / "inbox") == []
    assert names(archive) == ["ward 3/a.pdf"]
    moved = archive / "ward 3" / "a.pdf"
    assert (moved.read_text(), moved.stat().st_mode & 0o777, moved.stat().st_mtime) == ("one", 0o640, 2000)


def test_no_file_takes_the_place_of_another(tmp_path: Path, archive: Path) -> None:
    put(archive / "a.pdf", "former")
    known = {str(archive / "a-2.pdf")}
    assert choose_place(str(archive), "a.pdf", known.__contains__) == str(archive / "a-3.pdf")
    path = put(tmp_path / "inbox" / "a.pdf", "new")
    with pytest.raises(FileExistsError):
        move(str(path), stamp(path), str(archive / "a.pdf"))
    assert path.read_text() == "new"
    assert (archive / "a.pdf").read_text() == "former"


def test_a_file_that_changed_before_is_not_moved(tmp_path: Path, archive: Path) -> None:
    path = put(tmp_path / "inbox" / "a.pdf", "one")
    before = stamp(path)
    path.write_text("changed")
    assert not move(str(path), before, str(archive / "a.pdf"))
    path.unlink()
    assert not move(str(path), before, str(archive / "a.pdf"))
    assert not archive.exists() or names(archive) == []


def test_a_file_that_is_replaced_under_our_hands_comes_back(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "inbox" / "a.pdf", "one")
    before = stamp(path)
    rename = os.rename

    def replace_first(here: str, there: str) -> None:
        monkeypatch.setattr(os, "rename", rename)
        rename(put(tmp_path / "aside", "the next scan"), path)
        rename(here, there)

    monkeypatch.setattr(os, "rename", replace_first)
    moved = move(str(path), before, str(archive / "a.pdf"))
    assert path.read_text() == "the next scan"
    assert names(tmp_path / "inbox") == ["a.pdf"]
    assert names(archive) == (["a.pdf"] if moved else [])


def test_yet_another_file_in_its_place_makes_it_come_back_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "inbox" / "a.pdf", "one")
    before = stamp(path)
    rename = os.rename

    def replace_first(here: str, there: str) -> None:
        monkeypatch.setattr(os, "rename", rename)
        rename(put(tmp_path / "aside", "second"), path)
        rename(here, there)
        put(path, "third")

    monkeypatch.setattr(os, "rename", replace_first)
    assert not move(str(path), before, str(tmp_path / "done" / "a.pdf"))
    assert {name: (path.parent / name).read_text() for name in names(path.parent)} == {
        "a.pdf": "third",
        "a-2.pdf": "second",
    }


def test_a_move_that_was_cut_off_before_it_began_is_made(tmp_path: Path, archive: Path) -> None:
    path = put(tmp_path / "inbox" / "a.pdf", "one")
    put(archive / "a.pdf", "")  # the place was made ours, and no more
    assert move(str(path), stamp(path), str(archive / "a.pdf"))
    assert (names(archive), names(tmp_path / "inbox")) == (["a.pdf"], [])
    assert (archive / "a.pdf").read_text() == "one"


def test_a_copy_that_was_cut_off_before_the_original_went_is_finished(tmp_path: Path, archive: Path) -> None:
    path = put(tmp_path / "inbox" / "a.pdf", "one")
    put(archive / "a.pdf", "one")
    assert move(str(path), stamp(path), str(archive / "a.pdf"))
    assert (names(archive), names(tmp_path / "inbox")) == (["a.pdf"], [])


def test_a_full_disk_leaves_the_file_where_it_is(
    tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "inbox" / "a.pdf", "one")

    def refuse(*given: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(os, "rename", refuse if archive.parent == tmp_path else os.rename)
    with pytest.raises(OSError, match="No space"):
        move(str(path), stamp(path), str(archive / "a.pdf"))
    assert path.read_text() == "one"
    assert names(archive) == []


def test_a_reason_stands_beside_even_a_very_long_name(tmp_path: Path) -> None:
    write_reason(str(tmp_path / "ward" / "a.pdf"), "why")
    write_reason(str(tmp_path / "ward" / ("ü" * 120 + ".pdf")), "why")
    assert [name.endswith(".reason.txt") for name in names(tmp_path)] == [True, True]
    assert (tmp_path / "ward" / "a.pdf.reason.txt").read_text() == "why"
