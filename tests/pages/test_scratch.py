"""Temporary files lie in a folder of our own: gone with the run, swept after one that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from docproc.errors import LedgerError
from docproc.pages.scratch import PREFIX, open_scratch

HOLD = """
import sys, tempfile
from docproc.pages.scratch import open_scratch
with open_scratch() as folder:
    open(tempfile.mkstemp()[1], "w").write("a copy of a page")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that no other process knows."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def hold() -> tuple[subprocess.Popen[str], Path]:
    """Another process that keeps its folder open until its input ends."""
    child = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    return child, Path(child.stdout.readline().strip())


def test_temporary_files_of_this_process_and_of_those_it_starts_lie_in_one_folder(place: Path) -> None:
    with open_scratch() as folder:
        assert folder.parent == place
        assert folder.stat().st_mode & 0o077 == 0
        handle, name = tempfile.mkstemp()
        os.close(handle)
        ask = [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"]
        there = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
        assert (Path(name).parent, Path(there)) == (folder, folder)
    assert list(place.iterdir()) == []
    assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(place), str(place))


def test_folder_goes_with_a_run_that_fails(place: Path) -> None:
    with pytest.raises(FileNotFoundError), open_scratch():
        os.unlink(tempfile.mkdtemp() + "/none")
    assert list(place.iterdir()) == []


def test_what_a_killed_run_left_is_swept_and_what_another_uses_is_not(place: Path) -> None:
    killed, left = hold()
    killed.kill()
    killed.communicate()
    assert len(list(left.iterdir())) == 2
    living, used = hold()
    assert not left.exists()
    files = sorted(used.iterdir())
    with open_scratch():
        assert sorted(used.iterdir()) == files
    living.communicate("")
    assert list(place.iterdir()) == []


def test_what_is_not_ours_is_never_swept(place: Path) -> None:
    precious = place / "precious"
    precious.mkdir()
    (precious / "lock").touch()
    (place / f"{PREFIX}link").symlink_to(precious)
    starting = place / f"{PREFIX}starting"
    starting.mkdir()
    (place / f"{PREFIX}file").touch()
    before = sorted(place.rglob("*"))
    with open_scratch():
        pass
    assert sorted(place.rglob("*")) == before


def test_no_place_for_temporary_files_is_said_before_any_work(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(place / "none"))
    with pytest.raises(LedgerError, match="TMPDIR"), open_scratch():
        pytest.fail("there is no such folder")
