"""`docproc review` as its page talks to it, also as nobody should; `test_review_page.py` has the page itself."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np
import pytest

from docproc.apps.local.guard import Names
from docproc.apps.local.server import LOOPBACK, Server
from docproc.apps.review.routes import PARTS
from docproc.errors import Exit
from docproc.records.ledger import beside, visit_ledger
from docproc.records.queue import Keying
from tests.apps.reviewed import FIELDS, make_results, read_said, serve_review, tell_said
from tests.apps.visitor import Reply, Visitor

Docproc = Callable[..., "subprocess.Popen[bytes]"]
TAKE = {"purpose": "review", "count": 4, "order": "page", "after": None}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_results(tmp_path)


@pytest.fixture
def server(results: Path) -> Iterator[Server]:
    with serve_review(results, Keying(frozenset({"code"}), flagged=False)) as running:
        yield running


def enter(server: Server, who: str) -> Visitor:
    visitor = Visitor(server).enter()
    assert visitor.send("/who", {"who": who}).told == {"who": who}
    return visitor


@pytest.fixture
def ada(server: Server) -> Visitor:
    return enter(server, "Ada")


def take(visitor: Visitor, **given: Any) -> list[dict[str, Any]]:
    reply = visitor.send("/ask/take", TAKE | given)
    assert reply.status == 200
    items: list[dict[str, Any]] = reply.told["items"]
    return items


def answer(visitor: Visitor, seen: dict[str, Any], value: str, **given: Any) -> Reply:
    said = {"item": seen["id"], "version": seen["version"], "status": "value" if value else "blank", "text": value}
    return visitor.send("/ask/answer", TAKE | {"purpose": seen["purpose"]} | said | given)


def test_fields_come_with_all_that_helps_to_answer(ada: Visitor) -> None:
    items = take(ada)
    assert [item["field"] for item in items] == ["count", "weight", "age", "total"]
    count, weight, _, total = items
    assert count["value"] == {"status": "value", "text": "126"}
    assert [digit["place"] for digit in count["digits"]] == [0, 1, 2]
    assert [digit["place"] for digit in weight["digits"]] == [0, 1, 3], "a point is no digit"
    assert count["digits"][2]["chance"] == 0.6
    x, y, width, height = count["digits"][2]["box"]
    assert (x, y, width, height) == (94, 8, 40, 50)
    assert [(choice["text"], choice["chance"]) for choice in count["choices"]] == [("125", 0.31), ("128", 0.02)]
    assert count["reasons"][0]["meaning"] == "the reading is less sure than --max-error allows"
    assert total["choices"][0] | {"chance": None} == {
        "status": "value",
        "text": "77",
        "note": "would balance",
        "chance": None,
    }
    assert total["reasons"][0]["detail"] == "all would balance with total = 77"


def test_answer_is_kept_and_the_next_come_along(ada: Visitor, results: Path) -> None:
    count, weight, age, _ = take(ada)
    told = answer(ada, count, "125", count=1, after=count["id"]).told
    assert [item["id"] for item in told["items"]] == [weight["id"]]
    assert (told["progress"]["total"], told["progress"]["left"]) == (4, 3)
    answer(ada, age, "")
    assert tell_said(results) == [("count", "review", "Ada", "125"), ("age", "review", "Ada", "blank")]


def test_undo_brings_a_field_back(ada: Visitor, results: Path) -> None:
    count = take(ada)[0]
    number = answer(ada, count, "125").told["correction"]
    told = ada.send("/ask/undo", TAKE | {"correction": number}).told
    assert told["item"]["id"] == count["id"]
    assert told["item"]["answer"] is None
    assert told["progress"]["left"] == 4
    assert [said[1] for said in tell_said(results)] == ["review", "withdrawn"]


def test_nobody_undoes_what_another_said(server: Server, ada: Visitor, results: Path) -> None:
    number = answer(ada, take(ada)[0], "125").told["correction"]
    reply = enter(server, "Bob").send("/ask/undo", TAKE | {"correction": number})
    assert (reply.status, reply.told["failure"]) == (400, "you can undo only what you said yourself; reload the page")
    assert len(read_said(results)) == 1


def test_two_reviewers_get_different_fields(server: Server, ada: Visitor) -> None:
    bob = enter(server, "Bob")
    hers, his = take(ada, count=2), take(bob, count=4)
    assert [item["field"] for item in hers] == ["count", "weight"]
    assert [item["field"] for item in his] == ["age", "total"]
    ada.send("/ask/leave", {})
    assert [item["field"] for item in take(bob)] == ["count", "weight", "age", "total"]


def test_answer_to_a_changed_field_is_refused_with_the_new_state(server: Server, ada: Visitor, results: Path) -> None:
    count = take(ada)[0]
    bob = enter(server, "Bob")
    seen = bob.send("/ask/item", TAKE | {"item": count["id"]}).told["item"]
    assert answer(bob, seen, "129").status == 200
    reply = answer(ada, count, "125")
    assert reply.status == 409
    assert reply.told["changed"]["answer"] == {"status": "value", "text": "129"}
    assert reply.told["changed"]["by"] == "Bob"
    assert tell_said(results) == [("count", "review", "Bob", "129")]
    assert answer(ada, reply.told["changed"], "125").status == 200


def test_stepping_leads_back_to_answered_fields(ada: Visitor) -> None:
    count, weight, *_ = take(ada)
    answer(ada, count, "125")
    told = ada.send("/ask/step", TAKE | {"item": weight["id"], "to": "before"}).told
    assert told["item"]["answer"] == {"status": "value", "text": "125"}
    assert told["item"]["said"][0]["who"] == "Ada"
    assert ada.send("/ask/step", TAKE | {"item": count["id"], "to": "before"}).told["item"] is None


def test_part_of_the_line(ada: Visitor) -> None:
    assert [item["field"] for item in take(ada, reason="sum-unmet")] == ["total"]
    assert [item["field"] for item in take(ada, field="age")] == ["age"]
    assert take(ada, order="doubtful")[-1]["field"] == "total"
    reply = ada.send("/ask/take", TAKE | {"reason": "disputed"})
    assert reply.told["progress"]["total"] == 1
    assert {tick["name"] for tick in reply.told["progress"]["reasons"]} == {
        "low-confidence",
        "disputed",
        "not-a-digit",
        "sum-unmet",
    }


def test_blind_answers_see_nothing_of_the_reading(ada: Visitor, results: Path) -> None:
    (item,) = take(ada, purpose="second")
    assert item["field"] == "code"
    assert (item["value"], item["digits"], item["choices"], item["said"], item["answer"]) == (None, [], [], [], None)
    assert item["confidence"] is None
    assert "40317" not in str(item)
    assert answer(ada, item, "40377").status == 200
    (third,) = take(enter(ada.server, "Cy"), purpose="third")
    assert {choice["text"] for choice in third["choices"]} == {"40317", "40377"}
    assert "Ada" not in str(third)
    assert third["value"] is None


def test_strip_is_drawn_anew(ada: Visitor) -> None:
    count = take(ada)[0]
    reply = ada.ask(f"/strips/{count['id']}.png")
    assert reply.headers["Content-Type"] == "image/png"
    picture = cv2.imdecode(np.frombuffer(reply.body, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert picture.shape == (count["strip"]["height"], count["strip"]["width"]) == (66, 400)


@pytest.mark.parametrize(
    "name",
    ["0.png", "x.png", "1", "..%2f..%2fresults.csv", "%c2%b2.png", "9" * 20 + ".png", "9" * 5000 + ".jpg", "-1.png"],
)
def test_no_other_name_is_a_picture(ada: Visitor, name: str) -> None:
    for folder in ("strips", "pages"):
        reply = ada.ask(f"/{folder}/{name}")
        assert reply.status == 404
        assert b"source,page" not in reply.body


def test_page_around_a_field_is_shown(ada: Visitor, results: Path) -> None:
    count = take(ada)[0]
    reply = ada.ask(f"/pages/{count['id']}.jpg?whole")
    assert reply.headers["Content-Type"] == "image/jpeg"
    picture = cv2.imdecode(np.frombuffer(reply.body, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape[:2] == (540, 620)
    left_of_it = picture[45 + 33, 50:60]
    assert (left_of_it[:, 2] - 100.0 > left_of_it[:, 0]).any(), "the field has an orange frame"


@pytest.mark.parametrize("strip", ["", "89504e470d", "89504e470d0a1a0a0000000d49484452" + "00" * 16])
def test_field_without_a_picture_is_shown_without_one(ada: Visitor, results: Path, strip: str) -> None:
    with visit_ledger(beside(results)) as ledger:
        ledger.connection.execute("UPDATE readings SET strip = ?", (bytes.fromhex(strip),))
    count = take(ada)[0]
    assert (count["strip"], count["digits"]) == (None, [])
    assert ada.ask(f"/strips/{count['id']}.png").status == 404
    assert ada.send("/ask/wall", {"digit": "7"}).told["tiles"] == 0
    assert answer(ada, count, "125").status == 200


def test_page_that_is_gone_is_told(ada: Visitor, results: Path) -> None:
    count = take(ada)[0]
    (results.parent / "sheet-1.png").unlink()
    gone = ada.ask(f"/pages/{count['id']}.jpg")
    assert gone.status == 404
    assert gone.words == "the file was moved or deleted before it was read; put it back and run again"


def read_rows(results: Path) -> dict[str, dict[str, str]]:
    with results.open(encoding="utf-8", newline="") as stream:
        return {row["field"]: row for row in csv.DictReader(stream)}


def test_results_follow(ada: Visitor, results: Path, server: Server) -> None:
    answer(ada, take(ada)[0], "125")
    before = results.stat().st_mtime_ns
    for _ in range(200):
        if results.stat().st_mtime_ns != before:
            break
        Event().wait(0.1)
    rows = read_rows(results)
    assert (rows["count"]["value"], rows["count"]["review"]) == ("125", "done")
    assert rows["weight"]["review"] == "yes"


def test_last_answer_is_in_the_results_when_the_server_has_ended(results: Path) -> None:
    with serve_review(results, who="Ada") as server:
        visitor = Visitor(server).enter()
        answer(visitor, take(visitor)[0], "125")
    rows = read_rows(results)
    assert rows["count"]["value"] == "125"


@pytest.mark.parametrize(
    "change",
    [
        {"item": "1"},
        {"item": -1},
        {"item": True},
        {"item": 1 << 60},
        {"version": 3},
        {"status": "maybe"},
        {"status": "value", "text": ""},
        {"status": "blank", "text": "1"},
        {"text": "1" * 65},
        {"text": "1" * 2000},
        {"text": "1\n2"},
        {"text": "\u202e12"},
        {"purpose": "grid2"},
        {"count": 1000},
        {"order": "DROP TABLE"},
        {"after": "x"},
        {"field": ["x"]},
    ],
)
def test_what_the_page_would_not_send_is_refused(ada: Visitor, results: Path, change: dict[str, Any]) -> None:
    item = take(ada)[0]
    reply = answer(ada, item, "125", **change)
    assert reply.status in (400, 409)
    assert reply.told.get("failure") or "changed" in reply.told
    assert read_said(results) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"item": "\\ud800"}', b"[" * 100_000, b"null"])
def test_what_is_no_request_is_refused(ada: Visitor, body: bytes) -> None:
    for path in ("/ask/take", "/ask/answer", "/who"):
        assert ada.ask(path, "POST", body).status == 400


@pytest.mark.parametrize("path", ["/ask/answer", "/ask/take", "/ask/undo", "/who", "/close"])
def test_pages_of_others_change_nothing(ada: Visitor, path: str) -> None:
    assert ada.ask(path, "POST", b"{}", Origin="http://evil.example").status == 403
    assert ada.ask(path, "POST", b"{}", Origin="").status == 403
    assert ada.ask(path, "POST", b"{}", Content_Type="text/plain").status == 415
    assert ada.ask(path, "POST", b"{}", Host="evil.example").status == 403
    assert Visitor(ada.server).ask(path, "POST", b"{}").status == 403
    assert ada.ask(path, "GET").status == 404


def test_without_a_name_nothing_is_kept(server: Server, results: Path) -> None:
    nobody = Visitor(server).enter()
    assert nobody.send("/ask/start", {}).told["who"] == ""
    reply = nobody.send("/ask/take", TAKE)
    assert (reply.status, reply.told["failure"][:17]) == (400, "a reviewer's name")
    for name in ("", " ", "A" * 65, "A\u202eda", "A\nda", 3):
        assert nobody.send("/who", {"who": name}).status == 400


def test_parts_of_the_page_are_served_and_nothing_else(ada: Visitor) -> None:
    page = ada.ask("/")
    assert page.status == 200
    for name in PARTS:
        body = ada.ask(f"/{name}").body
        assert body
        assert re.findall(rb"(?<!\w)(?:https?:)?//[a-z]", body) == []
    assert not re.search(r"<script(?![^>]*src)|<style|\son\w+=|\sstyle=", page.words)
    for name in ("page.html", "routes.py", "../local/server.py", "__init__.py"):
        assert ada.ask(f"/{name}").status == 404


def test_names_of_files_are_text(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    results = make_results(tmp_path, FIELDS, source=name)
    with serve_review(results, title="<b>results", who="Ada") as server:
        visitor = Visitor(server).enter()
        assert take(visitor)[0]["source"].endswith(name)
        assert "<b>" not in visitor.ask("/").words
        assert "&lt;b&gt;results" in visitor.ask("/").words


def test_a_review_loads_no_model_and_no_tables() -> None:
    script = "import sys, docproc.apps.review.routes, docproc.apps.local.server; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ended.stdout.split())
    assert {"starlette", "uvicorn", "cv2"} <= loaded
    assert {"torch", "pandas", "skimage", "pypdfium2", "xlsxwriter", "httptools", "websockets"} & loaded == set()


def begin(child: subprocess.Popen[bytes]) -> Visitor:
    """Who opens the address that a command prints."""
    assert child.stdout is not None
    found = re.search(r": http://127\.0\.0\.1:(\d+)/\?token=([\w-]{32})$", child.stdout.readline().decode())
    assert found is not None
    port = int(found[1])
    return Visitor(Server(LOOPBACK, port, Names((f"127.0.0.1:{port}",)), found[2], Event())).enter()


def test_command_serves_until_ctrl_c_and_leaves_all_in_the_results(docproc: Docproc, results: Path) -> None:
    child = docproc("review", results, "--no-open", "--who", "Ada")
    visitor = begin(child)
    answer(visitor, take(visitor)[0], "125")
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=30)
    assert (child.returncode, errors) == (Exit.OK, b"")
    assert ",125," in results.read_text(encoding="utf-8")


def test_command_without_a_ledger_says_what_to_do(docproc: Docproc, tmp_path: Path) -> None:
    child = docproc("review", tmp_path / "none.csv", "--no-open")
    _, errors = child.communicate(timeout=30)
    assert child.returncode == Exit.LEDGER
    assert b"there is no ledger" in errors


def test_command_for_others_wants_a_password(docproc: Docproc, results: Path) -> None:
    child = docproc("review", results, "--no-open", "--host", "0.0.0.0")
    _, errors = child.communicate(timeout=30)
    assert child.returncode == Exit.USAGE
    assert b"add --password-file" in errors
    passwords = results.parent / "passwords"
    passwords.write_text("Ada:correct horse\n")
    os.chmod(passwords, 0o600)
    child = docproc("review", results, "--no-open", "--host", "0.0.0.0", "--password-file", passwords)
    assert child.stdout is not None
    told = child.stdout.readline() + child.stdout.readline() + child.stdout.readline()
    assert b"not encrypted" in told
    assert b"token" not in told
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=30)
    assert child.returncode == Exit.OK


def test_costs_of_care_are_told(ada: Visitor) -> None:
    told = ada.send("/ask/budget", {}).told
    assert told["borne"] == 0.005
    assert [offer["max_error"] for offer in told["offers"]] == [0.01, 0.005, 0.002, 0.001, 0.0005]
    # the four flagged fields, and at last the one that was accepted at 0.999
    assert [told["offers"][number]["left"] for number in (0, 1, 2, 4)] == [4, 4, 4, 5]


def test_wall_is_judged_by_whom_it_was_built_for_and_once(server: Server, ada: Visitor) -> None:
    wall = ada.send("/ask/wall", {"digit": "7"}).told
    assert wall["tiles"] == 3 + 2, "two are planted"
    picture = ada.ask(f"/walls/{wall['wall']}.png")
    assert picture.headers["Content-Type"] == "image/png"
    bob = enter(server, "Bob")
    assert bob.ask(f"/walls/{wall['wall']}.png").status == 404
    asked = {"wall": wall["wall"], "wrong": [{"tile": 0, "digit": ""}]}
    assert bob.send("/ask/judge", asked).status == 400
    for wrong in ([{"tile": 5, "digit": ""}], [{"tile": 0, "digit": "x"}], [{"tile": -1, "digit": ""}], 3, [3]):
        assert ada.send("/ask/judge", asked | {"wrong": wrong}).status == 400
    told = ada.send("/ask/judge", asked).told
    assert (told["verified"] + told["queued"], told["keyed"], told["caught"] + told["missed"]) == (3, 0, 2)
    assert ada.send("/ask/judge", asked).status == 400
    assert ada.send("/ask/wall", {"digit": "77"}).status == 400
