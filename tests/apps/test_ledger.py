"""Commands that ask a ledger, as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from docproc.apps.cli import app
from docproc.apps.why import preview, tell_chance
from docproc.errors import DocprocError, Exit, LedgerError, UsageError
from docproc.records.corrections import add, item_of, read_state
from docproc.records.export import export
from docproc.records.ledger import begin, open_ledger, record, register, visit_ledger
from docproc.records.matching import Answer
from docproc.records.strips import fetch_strip
from docproc.records.watched import Watched, beat, note_watched
from docproc.types import Box, Digit, Document, Failure, PageRef, PageResult, Place, Reading

STRIP = cv2.imencode(".png", np.full((20, 60), 200, np.uint8))[1].tobytes()
ABOUT = '{"docproc": "1.2", "model": "m", "options": {"max_error": 0.01}}'


class Told(NamedTuple):
    """What a command printed, and how it ended."""

    text: str
    code: int
    error: DocprocError | None

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def ask(*arguments: str | Path) -> Told:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    error = result.exception
    if error is not None and not isinstance(error, SystemExit | DocprocError):
        raise error
    return Told(result.stdout, result.exit_code, error if isinstance(error, DocprocError) else None)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of two files, one damaged, as a run leaves them."""
    out = tmp_path / "results.csv"
    digits = (
        Digit("4", 0.6, Box(10, 20, 10, 20), (("9", 0.4), ("none", 0.02))),
        Digit("2", 0.99999, Box(30, 20, 10, 20)),
    )
    flags = ("touching", "changed-by-rule=92")
    age = Reading("age", "value", "42", 0.57, True, flags, Box(10, 20, 60, 20), digits, (("92", 0.4),), STRIP)
    sure = Reading("day", "value", "31", 0.999, False, (), Box(10, 60, 60, 20), (), (), STRIP)
    with open_ledger(tmp_path / "results.csv.ledger") as ledger:
        run = begin(ledger, "recipe", ABOUT, "wide")
        register(ledger, run, [Document("in/a.png", "a", 1), Document("in/b.pdf", "b", 0, Failure("damaged", "short"))])
        place = Place("card", 1, 1, 0.2)
        record(ledger, run, PageResult(PageRef("in/a.png", "a", 1), (age, sure), place=place, seconds=0.5))
        export(ledger, "recipe", "wide", out)
    return out


def test_status_tells_what_there_is_and_what_to_do(results: Path) -> None:
    told = ask("status", results)
    assert told.code == 0
    words = [" ".join(line.split()) for line in told.lines]
    assert "read with docproc 1.2, model m, max_error 0.01" in words
    assert "files 1 done 1 failed 0 waiting 0 skipped" in words
    assert "pages 1 read 1 failed 0 left" in words
    assert "fields 2 values 0 blank 0 unreadable" in words
    assert "of them 1 to look at 0 looked at" in words
    assert f"pictures 2 of fields, {2 * len(STRIP)} bytes, not encrypted" in words
    assert "in/b.pdf - the picture data is damaged or cut short (short); scan or copy it again" in words


def test_status_of_a_watched_folder(results: Path) -> None:
    with visit_ledger(results.with_name("results.csv.ledger")) as ledger:
        run = begin(ledger, "recipe", ABOUT)
        note_watched(ledger, [Watched("in/late\x1b[2J.png", "1:1", "waiting", "recipe", 2, "no-access", "denied")])
        beat(ledger, run, "reading", 1, 10, 5.0, "in/b.pdf: damaged")
    told = ask("status", results)
    assert "2.00 pages/s" in told.text
    assert "reading, 0 s ago" in told.text or "reading, 1 s ago" in told.text
    assert "the file may not be read (denied); check its permissions" in told.text
    assert "\x1b" not in told.text
    assert "late\\x1b[2J.png" in told.text


def test_status_as_one_json_object(results: Path) -> None:
    told = json.loads(ask("status", results, "--json").text)
    assert told["files"] == {"done": 1, "failed": 1, "waiting": 0, "skipped": 0, "stale": 0}
    assert told["fields"]["to_look_at"] == 1
    assert told["troubles"][0]["code"] == "damaged"


def test_a_health_check_has_a_code_of_its_own(results: Path) -> None:
    assert ask("status", results, "--alive", "60").code == Exit.NOT_ALIVE
    with visit_ledger(results.with_name("results.csv.ledger")) as ledger:
        beat(ledger, begin(ledger, "recipe", ABOUT), "waiting for files", 0, 0, 0.0)
        assert ask("status", results, "--alive", "600").code == Exit.OK
        beat(ledger, begin(ledger, "recipe", ABOUT), "stopped", 0, 0, 0.0)
        assert ask("status", results, "--alive", "600").code == Exit.NOT_ALIVE
        ledger.connection.execute("DELETE FROM beats WHERE doing = 'stopped'")
        ledger.connection.execute("UPDATE beats SET at = datetime('now', '-700 seconds')")
    told = ask("status", results, "--alive", "600")
    assert told.code == Exit.NOT_ALIVE
    assert told.lines[0].startswith("waiting for files, 11 min ago, process ")


@pytest.mark.parametrize("command", [("status",), ("export", "--out", "-"), ("purge", "--keep-strips", "none")])
def test_without_a_ledger_every_command_says_so(tmp_path: Path, command: tuple[str, ...]) -> None:
    told = ask(command[0], tmp_path / "none.csv", *command[1:])
    assert isinstance(told.error, LedgerError)
    assert "there is no ledger" in str(told.error)
    assert list(tmp_path.iterdir()) == []


def test_export_gives_the_file_again_and_others(results: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    assert ask("export", results, "--out", again).code == 0
    assert again.read_bytes() == results.read_bytes()
    assert ask("export", results, "--out", "-", "--layout", "long").lines[1].startswith("in/a.png,1,age,42,value,0.57")
    assert ask("export", results, "--out", tmp_path / "again.xlsx").code == 0
    assert (tmp_path / "again.xlsx").read_bytes().startswith(b"PK")
    with visit_ledger(results.with_name("results.csv.ledger")) as ledger:
        state = read_state(ledger, item_of(1, 0))
        assert state is not None
        add(ledger, state.item, state.version, Answer("value", "92"), "Ana")
    told = ask("export", results, "--out", "-", "--layout", "long", "--read-values").lines
    assert told[0].endswith(",read_value,corrected_by")
    assert (told[1].split(",")[3], told[1].endswith(",42,Ana")) == ("92", True)
    ask("export", results, "--out", results)
    named = ask("export", tmp_path / "elsewhere.csv", "--ledger", f"{results}.ledger", "--out", "-")
    assert named.text.encode().replace(b"\r\n", b"\n") == results.read_bytes().replace(b"\r\n", b"\n")
    assert isinstance(ask("export", results, "--out", f"{results}.ledger").error, LedgerError)


def test_why_tells_of_a_field_in_words(results: Path) -> None:
    with visit_ledger(results.with_name("results.csv.ledger")) as ledger:
        state = read_state(ledger, item_of(1, 0))
        assert state is not None
        add(ledger, state.item, state.version, Answer("value", "92"), "Ana")
    told = ask("why", "a.png", "1", "age", "--results", results)
    assert told.code == 0
    assert told.lines[0] == "in/a.png, page 1, field age"
    assert "  on page 1 of 1 of form card, laid on it to 0.20 mm" in told.lines
    assert "value 92, as Ana says" in told.lines
    assert "read as value 42, right with a chance of 57.00%" in told.lines
    assert "other texts: 92 40.00%" in told.lines
    assert "digit 1  4    60.00%  9 40.00%, no digit 2.00%" in told.lines
    assert "digit 2  2  > 99.99%" in told.lines
    assert any(line.startswith("changed-by-rule: ") and "(the ink alone says 92)" in line for line in told.lines)
    assert any("Ana (review) said 92, correction 1" in line for line in told.lines)
    assert "read with docproc 1.2, model m, max_error 0.01 (recipe recipe)" in told.lines


def test_why_knows_of_doubts_that_arose_since(results: Path) -> None:
    asked = ("why", "a.png", "1", "day", "--results", results)
    sure = "value 31, right with a chance of 99.90%; "
    assert f"{sure}nobody needs to look at it" in ask(*asked).lines
    with visit_ledger(results.with_name("results.csv.ledger")) as ledger:
        ledger.connection.execute("INSERT INTO tiles VALUES (1, '', 'Ana', 1, 1, 0, '3', 'wrong')")
    assert f"{sure}a person should look at it" in ask(*asked).lines


def test_why_draws_the_field(results: Path, tmp_path: Path) -> None:
    picture = tmp_path / "why.png"
    assert ask("why", "a.png", "1", "age", "--results", results, "--out", picture).code == 0
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    assert drawn.shape[1] > 300
    assert isinstance(ask("why", "a.png", "1", "age", "--results", results, "--out", "why.jpg").error, UsageError)
    ask("purge", results, "--keep-strips", "none")
    without = ask("why", "a.png", "1", "age", "--results", results, "--out", picture)
    assert "no picture of this field is kept" in str(without.error)
    assert list(preview(b"", 80)) == ["no picture of this field is kept"]


def test_a_preview_shows_two_rows_of_pixels_to_a_line() -> None:
    lines = list(preview(STRIP, 30))
    assert len(lines) == 5
    assert all(line.count("▀") == 30 and line.endswith("\x1b[0m") for line in lines)
    assert "38;2;200;200;200;48;2;200;200;200m" in lines[0]


def test_no_chance_is_rounded_to_certainty() -> None:
    assert [tell_chance(chance) for chance in (1.0, 0.999999, 0.5, 0.0)] == [
        "> 99.99%",
        "> 99.99%",
        "50.00%",
        "< 0.01%",
    ]


def test_purge_says_what_went(results: Path) -> None:
    assert ask("purge", results, "--keep-strips", "flagged", "--older-than", "1").lines == [
        "0 pictures of fields are gone, 0 bytes; 2 pictures are kept"
    ]
    assert ask("purge", results, "--keep-strips", "flagged").lines == [
        f"1 picture of a field is gone, {len(STRIP)} bytes; 1 picture is kept"
    ]


def test_a_key_is_made_and_pictures_are_encrypted_with_it(results: Path, tmp_path: Path) -> None:
    key = tmp_path / "strips.key"
    told = ask("key", "new", key)
    assert "without it the pictures that it encrypts are lost" in told.text
    assert isinstance(ask("key", "new", key).error, LedgerError)
    sealed = ask("key", "seal", results, "--key", key)
    assert sealed.lines == ["encrypted 2 of 2 pictures; all that are kept are encrypted now"]
    assert "encrypted with key" in ask("status", results).text
    assert "give its file with --key" in str(ask("why", "a.png", "1", "age", "--results", results).error)
    assert ask("why", "a.png", "1", "age", "--results", results, "--key", key).code == 0
    ask("key", "new", tmp_path / "other.key")
    wrong = ask("why", "a.png", "1", "age", "--results", results, "--key", tmp_path / "other.key")
    assert "give the right file" in str(wrong.error)
    assert "there is no ledger" in str(ask("key", "seal", tmp_path / "none.csv", "--key", key).error)
    assert not (tmp_path / "none.csv.ledger").exists()


def test_these_commands_load_nothing_heavy(results: Path) -> None:
    script = (
        "import sys\n"
        "from docproc.apps.cli import app\n"
        "for arguments in (['status', sys.argv[1]], ['why', 'a.png', '1', 'day', '--results', sys.argv[1]],"
        " ['purge', sys.argv[1], '--keep-strips', 'flagged'], ['export', sys.argv[1], '--out', '-']):\n"
        "    app(arguments, standalone_mode=False)\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, results], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    loaded = set(ended.stdout.rpartition("loaded ")[2].split())
    assert "sqlite3" in loaded
    assert {"torch", "cv2", "skimage", "pandas", "matplotlib", "cryptography"} & loaded == set()


Docproc = Callable[..., "subprocess.Popen[bytes]"]


@pytest.mark.slow
def test_a_run_keeps_the_pictures_it_is_asked_to_keep(
    docproc: Docproc, model: Path, page: Path, tmp_path: Path
) -> None:
    key, out = tmp_path / "strips.key", tmp_path / "results.csv"
    ask("key", "new", key)
    run = ("run", page, "--out", out, "--model", model, "--workers", "0")
    child = docproc(*run, "--keep-strips", "flagged", "--key", key)
    assert child.communicate()[1].decode().endswith(f"results are in {out}\n")
    with visit_ledger(tmp_path / "results.csv.ledger") as ledger:
        rows = ledger.connection.execute("SELECT page, position, review, strip FROM readings").fetchall()
        assert rows
        for *_, review, strip in rows:
            assert bool(strip) == bool(review)
            assert b"PNG" not in strip
        with pytest.raises(LedgerError, match="--key"):
            fetch_strip(ledger, *next(row[:2] for row in rows if row[2]))
    child = docproc(*run)
    assert b"give its file with --key" in child.communicate()[1]
    assert child.returncode == Exit.LEDGER


@pytest.mark.slow
def test_diff_compares_and_says_how_to_go_on(docproc: Docproc, model: Path, page: Path, tmp_path: Path) -> None:
    out, shown = tmp_path / "results.csv", tmp_path / "diff.html"
    docproc("run", page, "--out", out, "--model", model, "--workers", "0").communicate()
    before = out.read_bytes()
    asked = ("diff", out, "--model", model, "--workers", "0")
    child = docproc(*asked, "--max-error", "1", "--out", shown)
    told, errors = child.communicate()
    assert child.returncode == 0, errors.decode()
    assert b"compared: option max_error 0.005 -> 1.0" in told
    assert b"fields would have another value" in told
    assert "max_error 0.005" in shown.read_text("utf-8")
    assert ask("export", out, "--out", tmp_path / "again.csv").code == 0
    assert (tmp_path / "again.csv").read_bytes() == before
    child = docproc(*asked)
    assert b"name some that differ" in child.communicate()[1]
    assert child.returncode == Exit.USAGE
