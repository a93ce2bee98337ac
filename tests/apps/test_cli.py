"""Commands as people and scripts meet them: help, messages, exit codes, speed."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docproc import __version__

Docproc = Callable[..., "subprocess.Popen[bytes]"]
HEAVY = {"torch", "cv2", "pandas", "skimage", "numpy", "pydantic", "pebble", "sqlite3"}
HELP_SECONDS = 0.3
COMMANDS = ("run", "inspect", "train", "train-lines", "tune", "prune", "attack", "calibrate", "evaluate")


def children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['docproc', '--help']\n"
        "from docproc.apps.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "import json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(command in ended.stdout for command in COMMANDS)
    assert not HEAVY & set(json.loads(ended.stderr))


def test_help_is_quick() -> None:
    took = []
    for _ in range(3):
        before = children_seconds()
        subprocess.run([sys.executable, "-m", "docproc.apps.cli", "--help"], capture_output=True, check=True)
        took.append(children_seconds() - before)
    assert min(took) <= HELP_SECONDS


def test_version(docproc: Docproc) -> None:
    out, _ = docproc("--version").communicate()
    assert out.decode().strip() == f"docproc {__version__}"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(docproc: Docproc, command: str) -> None:
    child = docproc(command, "--help", COLUMNS="200")
    out, _ = child.communicate()
    assert child.returncode == 0
    lines = out.decode().split("Options:")[1].strip().splitlines()
    assert len(lines) >= 3
    assert all(len(line.split("  ")) > 1 and line.split("  ")[-1].strip() for line in lines)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run"], 2, "Missing argument"),
        (["run", "{page}"], 2, "--out"),
        (["run", "{page}", "--out", "{tmp}/r.csv", "--layout", "tall"], 2, "tall"),
        (["run", "{page}", "--out", "{tmp}/r.csv", "--set", "colour=red"], 4, "colour"),
        (["run", "{page}", "--out", "{tmp}/r.csv", "--max-error", "7"], 4, "max_error"),
        (["run", "{page}", "--out", "{tmp}/r.csv", "--options", "{tmp}/none.toml"], 4, "none.toml"),
        (["run", "{page}", "--out", "{tmp}/r.csv", "--model", "{tmp}/none"], 5, "cannot load the model"),
        (["run", "{page}", "--out", "{tmp}/r.csv", "--model", "{mixed}"], 5, "docproc calibrate"),
        (["train-lines", "--data", "{tmp}", "--out", "{tmp}/m"], 3, "mnist_train.npz"),
        (["run", "{page}", "--out", "{tmp}"], 6, "is a folder"),
        (["run", "{page}", "--out", "{tmp}/no/r.csv"], 6, "does not exist"),
        (["run", "{tmp}/none.pdf", "--out", "{tmp}/r.csv", "--model", "{model}"], 3, "none.pdf"),
        (["run", "{tmp}/notes.txt", "--out", "{tmp}/r.csv", "--model", "{model}"], 3, "notes.txt"),
        (["inspect", "{tmp}/notes.txt", "--out", "{tmp}/i", "--model", "{model}"], 3, "notes.txt"),
        (["inspect", "{page}", "--number", "9", "--out", "{tmp}/i", "--model", "{model}"], 3, "1 page"),
        (["evaluate", "{tmp}/none.csv", "{tmp}/none.csv"], 3, "none.csv"),
    ],
)
def test_what_cannot_be_done_is_one_message(
    docproc: Docproc, page: Path, model: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    (tmp_path / "notes.txt").write_text("call Monday")
    mixed = tmp_path / "digits.safetensors"
    for file in model.parent.iterdir():
        shutil.copy(file, tmp_path)
    card = mixed.with_suffix(".json")
    card.write_text(card.read_text().replace('"partner": ""', '"partner": "another"'))
    child = docproc(*(word.format(page=page, model=model, mixed=mixed, tmp=tmp_path) for word in arguments))
    _, errors = child.communicate()
    assert message in errors.decode()
    assert "Traceback" not in errors.decode()
    assert child.returncode == code


def test_bug_keeps_its_traceback(docproc: Docproc, tmp_path: Path) -> None:
    broken = tmp_path / "docproc_broken.py"
    broken.write_text(
        "import docproc.options\n"
        "def fail(*given, **named): raise ZeroDivisionError('surprise')\n"
        "docproc.options.load_options = fail\n"
        "from docproc.apps.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, str(broken), "run", "x", "--out", str(tmp_path / "r.csv")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert "ZeroDivisionError: surprise" in ended.stderr
