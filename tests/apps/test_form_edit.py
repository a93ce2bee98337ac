"""`docproc form edit` as its page talks to it; `test_form_edit_page.py` has the page itself."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np
import pytest

from docproc.apps.formedit.editor import PARTS, Editor
from docproc.apps.local.guard import Names
from docproc.apps.local.server import LOOPBACK, Server, serve
from docproc.errors import Exit, OptionsError
from docproc.options import load_options
from tests.apps.visitor import Visitor

Docproc = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def visitor(card_form: Path) -> Iterator[Visitor]:
    with serve(Editor(card_form, load_options()).app()) as running:
        yield Visitor(running).enter()


def ask(visitor: Visitor, name: str, sent: Any = None) -> tuple[int, Any]:
    """Ask as the page does, and take JSON apart."""
    if sent is None:
        reply = visitor.ask(f"/{name}")
    else:
        reply = visitor.ask(f"/{name}", "POST", sent) if isinstance(sent, bytes) else visitor.send(f"/{name}", sent)
    return reply.status, reply.told if reply.headers["Content-Type"] == "application/json" else reply.body


def start(visitor: Visitor) -> dict[str, Any]:
    """What the page would send if nothing was changed."""
    status, told = ask(visitor, "form")
    assert status == 200
    origins = {kind: list(range(len(told["tables"][kind]))) for kind in ("field", "rule")}
    return {"tables": told["tables"], "origins": origins, "base": told["seen"], "seen": told["seen"]}


def test_parts_of_the_page_are_served(visitor: Visitor) -> None:
    for name in ("", *PARTS):
        status, body = ask(visitor, name)
        assert status == 200
        assert body
        # Nothing comes from elsewhere; the name of SVG is no address.
        assert re.findall(rb"(?<!\w)(?:https?:)?//[a-z]", body.replace(b"http://www.w3.org/2000/svg", b"")) == []


@pytest.mark.parametrize("name", ["editor.py", "page.html", "pages/0.png", "pages/3.png", "pages/", "pages/../form"])
def test_nothing_else_is_served(visitor: Visitor, name: str) -> None:
    assert ask(visitor, name)[0] == 404


def test_page_learns_all_it_needs(visitor: Visitor, card_form: Path) -> None:
    _, told = ask(visitor, "form")
    assert told["tables"] == tomllib.loads(card_form.read_text(encoding="utf-8"))
    assert told["pages"] == [[800, 600], [800, 600]]
    assert told["keys"]["pattern"]["types"] == ["digits", "integer", "decimal"]
    assert "luhn" in told["keys"]["check"]["choices"]


def test_reference_is_a_picture(visitor: Visitor) -> None:
    status, body = ask(visitor, "pages/2.png")
    assert status == 200
    picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture.shape == (1200, 1600)


def test_mistakes_are_told_with_their_place(visitor: Visitor) -> None:
    sent = start(visitor)
    assert ask(visitor, "check", sent) == (200, {"mistakes": []})
    fields = sent["tables"]["field"]
    fields[1]["minium"] = 3
    fields[2]["box"] = [700, 300, 200, 40]
    fields[3]["page"] = 3
    fields.append({"name": "listed", "box": [1, 1, 9, 9], "values": "none.csv:a"})
    fields.append({"name": "people", "box": [1, 1, 9, 9]})
    sent["tables"]["rule"][0]["equals"] = "totl"
    sent["origins"]["field"] += [None, None]
    _, told = ask(visitor, "check", sent)
    places = {(*path[:2], path[-1]) for path, _ in told["mistakes"]}
    assert places == {
        ("field", 1, "minium"),
        ("field", 2, "box"),
        ("field", 3, "page"),
        ("field", 4, "values"),
        ("field", 5, "name"),
        ("rule", 0, "equals"),
    }
    assert 'did you mean "minimum"?' in str(told)
    assert "leaves the picture card-1.png" in str(told)


def test_form_with_mistakes_is_not_saved(visitor: Visitor, card_form: Path) -> None:
    before = card_form.read_bytes()
    sent = start(visitor)
    sent["tables"]["field"] = []
    sent["origins"]["field"] = []
    status, told = ask(visitor, "save", sent)
    assert status == 422
    assert told["mistakes"][0] == [["field"], "is empty; at least one is needed"]
    assert card_form.read_bytes() == before


def test_save_replaces_the_file_and_keeps_the_rest(visitor: Visitor, card_form: Path) -> None:
    card_form.chmod(0o640)
    before = card_form.stat()
    sent = start(visitor)
    sent["tables"]["field"][1]["box"] = [90, 190, 240, 40]
    status, told = ask(visitor, "save", sent)
    assert status == 200
    assert told["path"] == str(card_form)
    text = card_form.read_text(encoding="utf-8")
    assert "box = [90, 190, 240, 40]  # measured" in text
    assert "# The card of 2026." in text
    assert card_form.stat().st_ino != before.st_ino, "written in place: a reader could see half of it"
    assert stat.S_IMODE(card_form.stat().st_mode) == 0o640
    assert [path.name for path in card_form.parent.iterdir() if path.suffix == ".part"] == []


def test_saved_twice_from_one_page(visitor: Visitor, card_form: Path) -> None:
    sent = start(visitor)
    removed = sent["tables"]["field"].pop(0)
    sent["origins"]["field"] = [1, 2, 3]
    sent["seen"] = ask(visitor, "save", sent)[1]["seen"]
    assert "printed by the office" not in card_form.read_text(encoding="utf-8")
    sent["tables"]["field"].insert(0, removed)
    sent["origins"]["field"] = [0, 1, 2, 3]
    assert ask(visitor, "save", sent)[0] == 200
    assert "printed by the office" in card_form.read_text(encoding="utf-8"), "undo brings its comment back"


@pytest.mark.parametrize("happened", ["changed", "gone"])
def test_change_by_others_is_not_overwritten_in_silence(visitor: Visitor, card_form: Path, happened: str) -> None:
    sent = start(visitor)
    if happened == "changed":
        card_form.write_text(card_form.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    else:
        card_form.unlink()
    status, told = ask(visitor, "save", sent)
    assert status == 409
    assert happened in told["conflict"]
    assert not card_form.exists() or "# mine" in card_form.read_text(encoding="utf-8")
    assert ask(visitor, "save", sent | {"overwrite": True})[0] == 200
    assert "# mine" not in card_form.read_text(encoding="utf-8")


def test_file_that_cannot_be_written_is_told(visitor: Visitor, card_form: Path) -> None:
    sent = start(visitor)
    card_form.rename(card_form.with_suffix(".bak"))
    card_form.mkdir()
    status, told = ask(visitor, "save", sent | {"overwrite": True})
    assert status == 500
    assert told["failure"].startswith(f"cannot write {card_form}: ")


@pytest.mark.parametrize(
    "change",
    [
        {"tables": []},
        {"tables": {"field": [3], "rule": []}},
        {"tables": {"field": [{"name": None}], "rule": []}, "origins": {"field": [None], "rule": []}},
        {"origins": {"field": [0, 0, 1, 2], "rule": [0]}},
        {"origins": {"field": [0, 1, 2, -3], "rule": [0]}},
        {"origins": {"field": [0, 1, 2, True], "rule": [0]}},
        {"origins": {"field": [0], "rule": [0]}},
        {"origins": 1},
        {"base": "of another file"},
    ],
)
def test_what_the_page_would_not_send_is_refused(visitor: Visitor, card_form: Path, change: dict[str, Any]) -> None:
    before = card_form.read_bytes()
    status, told = ask(visitor, "save", start(visitor) | change)
    assert status == 400
    assert told["failure"]
    assert card_form.read_bytes() == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"tables": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_request_is_refused(visitor: Visitor, body: bytes) -> None:
    assert ask(visitor, "check", body)[0] == 400


def test_form_that_was_broken_meanwhile_is_told(visitor: Visitor, card_form: Path) -> None:
    card_form.write_text("name = ", encoding="utf-8")
    status, told = ask(visitor, "form")
    assert status == 409
    assert "this is no TOML" in told["failure"]


def test_form_with_mistakes_in_fields_opens(card_form: Path) -> None:
    card_form.write_text(card_form.read_text(encoding="utf-8").replace("cells = 6", "cells = 99\nodd = 2026-01-02"))
    with serve(Editor(card_form, load_options()).app()) as server:
        visitor = Visitor(server).enter()
        sent = start(visitor)
        assert sent["tables"]["field"][1]["odd"] == "2026-01-02"
        _, told = ask(visitor, "check", sent)
    assert [path for path, _ in told["mistakes"]] == [["field", 1, "cells"], ["field", 1, "odd"]]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("card-2.png", "gone.png", "gone.png: the file was moved or deleted"),
        ('name = "card"', "", "name: is missing"),
        ("[[field]]", "[[fields]]", "fields: no such key"),
        ("# The card of 2026.", "field = 3", "no TOML"),
    ],
)
def test_form_that_cannot_be_shown_is_refused(card_form: Path, old: str, new: str, words: str) -> None:
    text = card_form.read_text(encoding="utf-8")
    assert old in text
    card_form.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(OptionsError, match=re.escape(words)):
        Editor(card_form, load_options())


def begin(child: subprocess.Popen[bytes]) -> Visitor:
    """Who opens the address that a command prints."""
    assert child.stdout is not None
    found = re.search(r": http://127\.0\.0\.1:(\d+)/\?token=([\w-]{32})$", child.stdout.readline().decode())
    assert found is not None
    port = int(found[1])
    return Visitor(Server(LOOPBACK, port, Names((f"127.0.0.1:{port}",)), found[2], Event())).enter()


def test_command_serves_until_ctrl_c(docproc: Docproc, card_form: Path) -> None:
    child = docproc("form", "edit", card_form, "--no-open")
    assert begin(child).ask("/form").status == 200
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert (child.returncode, errors) == (Exit.OK, b"")


def test_command_ends_with_its_page(docproc: Docproc, card_form: Path) -> None:
    child = docproc("form", "edit", card_form, "--no-open")
    assert begin(child).send("/close", {}).status == 200
    _, errors = child.communicate(timeout=30)
    assert (child.returncode, errors) == (Exit.OK, b"")
