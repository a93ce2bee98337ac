"""`docproc watch` from the command line, with an untrained network."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

Docproc = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def inbox(tmp_path: Path, page: Path) -> Path:
    """A page under odd names, a broken one, one that is empty, and a note."""
    folder = tmp_path / "inbox"
    (folder / "ward 3").mkdir(parents=True)
    for name in (b"=cmd|calc.jpg", b'new\nline, "quoted".jpg', b"ward 3/-rf.jpg", b"caf\xe9.jpg"):
        try:
            shutil.copyfile(page, os.path.join(os.fsencode(folder), name))
        except OSError:
            pytest.skip("this file system takes no such names")
    (folder / "cut.jpg").write_bytes(page.read_bytes()[:3000])
    (folder / "empty.pdf").touch()
    (folder / "notes.txt").write_text("call Monday")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "link.jpg").symlink_to(page)
    return folder


def told(child: subprocess.Popen[bytes], words: bytes) -> list[bytes]:
    """Wait for a line with these words; what was said so far."""
    assert child.stderr is not None
    lines: list[bytes] = []
    for line in child.stderr:
        lines.append(line)
        if words in line:
            return lines
    pytest.fail(b"".join(lines).decode(errors="replace"))


@pytest.mark.slow
def test_reading_once_gives_the_table_of_a_run(docproc: Docproc, inbox: Path, model: Path, tmp_path: Path) -> None:
    (inbox / "link.jpg").unlink()  # a run follows a link to a file, since it was asked for it
    here = os.fsencode(tmp_path)
    poor = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    child = docproc("run", "inbox", "--out", "calm.csv", "--model", model, cwd=here)
    child.communicate()
    for expected in (4, 4, 4, 6):  # what looks cut short is left for three more times
        child = docproc(
            *("watch", "inbox", "--out", "r.csv", "--done", "done", "--failed", "failed"),
            *("--settle", "0.1", "--once", "--workers", "0", "--model", model),
            cwd=here,
            **poor,
        )
        out, errors = child.communicate()
        assert child.returncode in (0, 8), errors.decode()
        assert out == b""
        assert b"Traceback" not in errors
        archived = [path for part in ("done", "failed") for path in (tmp_path / part).rglob("*") if path.is_file()]
        assert len([path for path in archived if not path.name.endswith(".reason.txt")]) == expected
    assert child.returncode == 8
    assert (tmp_path / "r.csv").read_bytes() == (tmp_path / "calm.csv").read_bytes()
    assert sorted(path.name for path in inbox.iterdir()) == ["notes.txt", "pipe.jpg", "ward 3"]


@pytest.mark.slow
def test_a_request_to_stop_is_an_orderly_end(docproc: Docproc, inbox: Path, model: Path, tmp_path: Path) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    given = ("--settle", "0.1", "--rescan", "1", "--workers", "1", "--model", model)
    child = docproc(
        *("watch", inbox, "--out", tmp_path / "r.csv", *given, "--metrics", str(port)),
        NOTIFY_SOCKET=str(tmp_path / "notify"),
    )
    told(child, b": done:")
    second = docproc("watch", inbox, "--out", tmp_path / "r.csv", *given)
    _, errors = second.communicate()
    assert second.returncode == 6
    assert f"in use by process {child.pid}".encode() in errors
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        figures = answer.read().decode()
    assert 'docproc_files_total{state="done"}' in figures
    assert "docproc_seconds_since_progress" in figures
    shutil.copyfile(inbox / "=cmd|calc.jpg", inbox / "late.jpg")
    told(child, b"late.jpg: done:")
    child.send_signal(signal.SIGTERM)
    out, errors = child.communicate()
    assert child.returncode == 0, errors.decode()
    assert out == b""
    assert b"Traceback" not in errors
    assert "late.jpg" in (tmp_path / "r.csv").read_text(encoding="utf-8")
    assert sorted(path.name for path in inbox.iterdir()) == sorted([*os.listdir(inbox)])
    with closing(sqlite3.connect(tmp_path / "r.csv.ledger")) as ledger:
        assert ledger.execute("SELECT doing FROM beats").fetchone() == ("stopped",)
    manager.setblocking(False)
    messages = []
    with closing(manager):
        while True:
            try:
                messages.append(manager.recv(100))
            except BlockingIOError:
                break
    assert messages[0] == b"READY=1"
    assert b"WATCHDOG=1" in messages
    assert messages[-1] == b"STOPPING=1"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("inbox", "--out", "inbox/r.csv"), "--out inbox/r.csv lies in the folder that is watched"),
        (("inbox", "--out", "inbox/../inbox/deep/r.csv"), "lies in the folder that is watched"),
        (("inbox", "--out", "link/r.csv"), "lies in the folder that is watched"),
        (("inbox", "--out", "r.csv", "--ledger", "inbox/l"), "--ledger inbox/l lies in the folder that is watched"),
        (("inbox", "--out", "r.csv", "--done", "inbox/done"), "--done inbox/done lies in the folder that is watched"),
        (("inbox", "--out", "r.csv", "--failed", "inbox"), "--failed inbox lies in the folder that is watched"),
        (("inbox", "--out", "r.csv", "--done", "."), "the folder that is watched lies in --done ."),
        (("nowhere", "--out", "r.csv"), "nowhere is no folder"),
        (("inbox", "--out", "-"), "writes its results to a file"),
    ],
)
def test_what_would_feed_on_itself_is_refused(
    docproc: Docproc, tmp_path: Path, given: tuple[str, ...], words: str
) -> None:
    (tmp_path / "inbox" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("inbox")
    child = docproc("watch", *given, cwd=os.fsencode(tmp_path))
    _, errors = child.communicate()
    assert child.returncode == 2, errors.decode()
    assert words in errors.decode()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inbox", "link"]


def test_help_loads_nothing_heavy() -> None:
    import sys

    script = "import sys, docproc.apps.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "docproc.apps.watch.command" in loaded
    assert {"watchdog", "prometheus_client", "torch", "cv2", "sqlite3"}.isdisjoint(loaded)
