"""The old file or the new one, never half of either."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from docproc.errors import LedgerError
from docproc.records.atomic import check_target, replace_file, sweep_parts


def write_new(stream: BinaryIO) -> None:
    stream.write(b"new\r\n")


def test_a_new_file_is_for_its_owner_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    assert replace_file(path, write_new) == path
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new\r\n", 0o600)
    path.chmod(0o644)
    replace_file(path, write_new)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    assert replace_file(link, write_new) == link
    assert link.is_symlink()
    assert target.read_bytes() == b"new\r\n"


def test_a_failing_writer_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("old")

    def fail(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise ValueError("writer broke")

    with pytest.raises(ValueError, match="writer broke"):
        replace_file(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


FULL = """
import resource, sys
from pathlib import Path
from docproc.errors import LedgerError
from docproc.records.atomic import replace_file
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    replace_file(Path(sys.argv[1]), lambda stream: stream.write(b"x" * 1_000_000))
except LedgerError as error:
    sys.exit(str(error))
"""


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("old")
    ended = subprocess.run([sys.executable, "-c", FULL, path], capture_output=True, text=True, check=False)
    assert ended.stderr.startswith("the disk is full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_held_open_elsewhere_gets_a_neighbour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.csv"
    path.write_text("old")
    (tmp_path / "results.1.csv").write_text("older")
    real = os.replace

    def refuse(source: str | Path, target: Path) -> None:
        if target == path:
            raise PermissionError(13, "in use")
        real(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    assert replace_file(path, write_new) == tmp_path / "results.2.csv"
    assert path.read_text() == "old"
    assert (tmp_path / "results.2.csv").read_bytes() == b"new\r\n"


def test_parts_of_a_killed_writer_are_swept(tmp_path: Path) -> None:
    path = tmp_path / "re[1]*.csv"
    script = (
        "import os, sys; from pathlib import Path; from docproc.records.atomic import replace_file\n"
        f"replace_file(Path(sys.argv[1]), lambda stream: os.kill(os.getpid(), {signal.SIGKILL:d}))"
    )
    subprocess.run([sys.executable, "-c", script, path], check=False)
    (tmp_path / ".other.csv.abc.part").touch()
    assert len(list(tmp_path.iterdir())) == 2
    sweep_parts(path)
    assert [file.name for file in tmp_path.iterdir()] == [".other.csv.abc.part"]


def test_places_where_nothing_can_be_written_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="is a folder; name a file in it"):
        check_target(tmp_path)
    with pytest.raises(LedgerError, match="does not exist; create it"):
        check_target(tmp_path / "none" / "results.csv")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(LedgerError, match="no regular file"):
        check_target(fifo)
    check_target(tmp_path / "results.csv")
    assert list(tmp_path.iterdir()) == [fifo]


def test_a_folder_that_takes_no_files_is_refused() -> None:
    with pytest.raises(LedgerError, match="cannot write to /proc"):
        check_target(Path("/proc/results.csv"))


def test_bytes_are_on_disk_before_they_have_their_name_and_the_name_is_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note_sync(handle: int) -> None:
        steps.append("sync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync file")
        fsync(handle)

    def note_rename(part: str, target: str) -> None:
        steps.append("rename")
        replace(part, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_rename)
    replace_file(tmp_path / "r.csv", write_new)
    assert steps == ["sync file", "rename", "sync folder"]
