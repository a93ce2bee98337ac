"""A full disk stops a run with its own message; the old file stays, and the work goes on from there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("stub_run.py")
PAGES = 400


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        ended = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount on this system")
    if ended.returncode:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def run_script(inbox: Path, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(inbox), str(out)],
        input="go\n" * PAGES,
        capture_output=True,
        text=True,
        check=False,
    )


def test_full_disk(small_disk: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.pdf").write_text("pages 2")
    out = small_disk / "results.csv"
    assert run_script(inbox, out).returncode == 0
    before = out.read_bytes()

    (inbox / "b.pdf").write_text(f"pages {PAGES}")
    ended = run_script(inbox, out)
    assert "LedgerError: the disk is full" in ended.stderr
    assert out.read_bytes() == before

    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    ended = run_script(inbox, out)
    assert ended.returncode == 0
    asked = ended.stdout.count("page")
    assert 0 < asked < PAGES
    calm = tmp_path / "calm.csv"
    assert run_script(inbox, calm).returncode == 0
    assert out.read_bytes() == calm.read_bytes()
