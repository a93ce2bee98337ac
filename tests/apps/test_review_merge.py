"""Corrections that were made on another computer, and their way into the ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from docproc.apps.cli import app
from docproc.apps.review.desk import open_desk
from docproc.apps.review.follow import Follower
from docproc.apps.review.offline import FORMAT, Merged, merge_file
from docproc.apps.review.wall import PLANTED
from docproc.apps.review.walls import Walls
from docproc.records.corrections import add, item_of, read_state
from docproc.records.ledger import beside, visit_ledger
from docproc.records.matching import Answer, Purpose
from docproc.records.proof import identify
from docproc.records.queue import Queue
from docproc.records.seal import KEEP_ALL
from tests.apps.reviewed import NO_KEYING, make_results, read_said

ITEM = item_of(1, 0)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return make_results(tmp_path)


def save(results: Path, who: str, text: str) -> Path:
    """The file that somebody's page would save now."""
    saved = results.parent / f"{who}.json"
    with visit_ledger(beside(results)) as ledger:
        state = read_state(ledger, ITEM)
        assert state is not None
        row = {
            "item": ITEM,
            "version": state.version,
            "status": "value",
            "text": text,
            "at": "2026-01-02T03:04:05.000Z",
        }
        saved.write_text(json.dumps({"format": FORMAT, "ledger": identify(ledger), "who": who, "said": [row]}))
    return saved


def say(results: Path, who: str, text: str, purpose: Purpose) -> None:
    with visit_ledger(beside(results)) as ledger:
        state = read_state(ledger, ITEM)
        assert state is not None
        add(ledger, ITEM, state.version, Answer("value", text), who, purpose)


def merge(results: Path, saved: Path) -> Merged:
    with visit_ledger(beside(results)) as ledger:
        return merge_file(ledger, saved)


def test_a_ledger_named_in_place_of_its_results_is_not_written_over(results: Path) -> None:
    saved = save(results, "Ada", "125")
    done = CliRunner().invoke(app, ["review", str(beside(results)), "--import", str(saved)])
    assert done.exit_code == 0, done.output
    assert [row.answer.text for row in read_said(results)] == ["125"]
    assert ",125,value," in results.read_text(encoding="utf-8")


def test_who_keyed_first_since_is_not_the_second(results: Path) -> None:
    saved = save(results, "Ada", "125")
    say(results, "Ada", "126", "first")
    assert merge(results, saved) == Merged(0, 1, 0, 0)
    assert [(row.who, row.purpose) for row in read_said(results)] == [("Ada", "first")]


def test_a_first_keying_of_another_is_held_against_what_comes(results: Path) -> None:
    saved = save(results, "Ada", "125")
    say(results, "Bob", "125", "first")
    assert merge(results, saved) == Merged(1, 0, 0, 0)
    with visit_ledger(beside(results)) as ledger:
        state = read_state(ledger, ITEM)
    assert state is not None
    assert state.verdict.standing == Answer("value", "125")
    assert state.verdict.who == "Bob, Ada"


def test_a_wall_that_could_not_be_kept_may_be_judged_again(results: Path) -> None:
    with open_desk(beside(results), KEEP_ALL, NO_KEYING) as desk:
        follower = Follower(lambda: "")
        try:
            walls = Walls(desk, follower)
            told = walls.build("Ada", {"digit": "7"})
            judged = {"wall": told["wall"], "wrong": []}
            refuse = "CREATE TRIGGER full BEFORE INSERT ON tiles BEGIN SELECT RAISE(ROLLBACK, 'full'); END"
            desk.ask(lambda queue: ask(queue, refuse))
            with pytest.raises(Exception, match="full"):
                walls.judge("Ada", judged)
            desk.ask(lambda queue: ask(queue, "DROP TRIGGER full"))
            assert walls.judge("Ada", judged)["verified"] == told["tiles"] - PLANTED == 3
        finally:
            follower.end()


def ask(queue: Queue, statement: str) -> None:
    queue.ledger.connection.execute(statement)
