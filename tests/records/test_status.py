"""How results stand: every file in one state, and the same counts as the table."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from docproc.errors import LedgerError
from docproc.options import Options, Recipe
from docproc.records.about import UNKNOWN, tell_differences, tell_recipe
from docproc.records.corrections import add, item_of, read_state
from docproc.records.ledger import Ledger, Run, begin, record, register, transaction, visit_ledger
from docproc.records.matching import Answer
from docproc.records.rows import list_rows
from docproc.records.status import Fields, Files, Pages, Queued, Stale, find_heart, take_status
from docproc.records.watched import Watched, beat, note_watched
from docproc.types import NEUTRAL, Box, Document, Failure, Form, PageResult, Reading

Page = Callable[..., PageResult]
Make = Callable[..., Reading]


def make_recipe(max_error: float = 0.005, model: str = "0123456789abcdef" * 4, *forms: Form) -> Recipe:
    return Recipe(Options(max_error=max_error), model, NEUTRAL, forms)


def start(ledger: Ledger, recipe: Recipe) -> Run:
    return begin(ledger, recipe.key, recipe.about)


def test_every_file_is_in_one_state(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    run = start(ledger, make_recipe())
    documents = [
        Document("done.pdf", "done", 2),
        Document("copy-of-done.pdf", "done", 2),
        Document("half-failed.pdf", "half", 2),
        Document("begun.pdf", "begun", 3),
        Document("damaged.png", "bad", 0, Failure("damaged", "cut short")),
        Document("gone.png", "", 0, Failure("gone")),
    ]
    register(ledger, run, documents)
    blank = make_reading("b", "", status="blank")
    for number in (1, 2):
        record(ledger, run, make_page("done", number, make_reading("a", review=True), blank))
    record(ledger, run, make_page("half", 1))
    record(ledger, run, PageResult(make_page("half", 2).ref, (), failure=Failure("timeout", "60 s")))
    record(ledger, run, make_page("begun", 1, make_reading("a", "", status="unreadable", review=True)))
    status = take_status(ledger)
    assert status.files == Files(done=2, failed=3, waiting=1, skipped=0, stale=0)
    assert status.pages == Pages(read=6, failed=3, left=2)
    assert status.fields == Fields(values=5, blank=4, unreadable=1, to_look_at=5, looked_at=0)
    assert {(trouble.source, trouble.page, trouble.code) for trouble in status.troubles} == {
        ("half-failed.pdf", 2, "timeout"),
        ("damaged.png", 0, "damaged"),
        ("gone.png", 0, "gone"),
    }
    assert status.strips.kept == 6
    assert status.heart is None


def test_a_ledger_without_a_run_says_so(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="no run yet"):
        take_status(ledger)


def test_rows_of_another_recipe_are_stale_and_told_apart(ledger: Ledger, make_page: Page) -> None:
    old = start(ledger, make_recipe())
    register(ledger, old, [Document("a.png", "a", 1), Document("b.png", "b", 1)])
    record(ledger, old, make_page("a"))
    new = start(ledger, make_recipe(0.001))
    register(ledger, new, [Document("b.png", "b", 1)])
    record(ledger, new, make_page("b"))
    status = take_status(ledger)
    assert status.files == Files(done=1, failed=0, waiting=0, skipped=0, stale=1)
    assert status.stale == (Stale(old.recipe, 1, ("option max_error 0.005 -> 0.001",)),)
    assert "max_error 0.001" in status.made_with


def test_recipes_are_told_in_words() -> None:
    form = Form("card", "digest", ())
    plain, strict = make_recipe(), make_recipe(0.001)
    assert tell_recipe(plain.about).endswith(", model 01234567")
    assert tell_differences(plain.about, plain.about) == ("nothing that is noted",)
    assert tell_differences(strict.about, plain.about) == ("option max_error 0.001 -> 0.005",)
    other = make_recipe(0.005, "f" * 64, form)
    assert tell_differences(plain.about, other.about) == ("model 01234567 -> ffffffff", "with form card")
    assert tell_differences(other.about, plain.about)[1] == "without form card"
    changed = make_recipe(0.005, "f" * 64, Form("card", "another", ()))
    assert tell_differences(other.about, changed.about) == ("form card was changed",)
    for odd in ("{}", "[]", "no json", '{"forms": 7}'):
        assert tell_differences(odd, plain.about)
    assert tell_recipe("{}") == UNKNOWN


def test_a_watched_folder_shows_its_queue_and_who_watches(ledger: Ledger, make_page: Page) -> None:
    run = start(ledger, make_recipe())
    assert find_heart(ledger) is None
    register(ledger, run, [Document("in/a.png", "a", 1), Document("in/late.pdf", "late", 0, Failure("damaged"))])
    record(ledger, run, make_page("a"))
    note_watched(
        ledger,
        [
            Watched("in/a.png", "1:1", "done", run.recipe, 1),
            Watched("in/late.pdf", "2:2", "waiting", run.recipe, 3, "damaged", "cut short"),
            Watched("in/caf\udce9.txt", "3:3", "skipped", run.recipe),
        ],
    )
    beat(ledger, run, "waiting for files", 1, 30, 12.0, "in/late.pdf: damaged")
    status = take_status(ledger)
    assert status.files == Files(done=1, failed=0, waiting=1, skipped=1, stale=0)
    assert (status.pages, status.troubles) == (Pages(read=1, failed=0, left=0), ())
    assert status.queue == (Queued("in/late.pdf", "damaged", "cut short", 3),)
    assert status.pages_per_second == 2.5
    assert status.heart is not None
    assert (status.heart.process, status.heart.doing) == (os.getpid(), "waiting for files")
    assert status.heart.seconds_ago <= 60
    ledger.connection.execute("UPDATE beats SET at = datetime('now', '-100 seconds')")
    heart = find_heart(ledger)
    assert heart is not None
    assert 100 <= heart.seconds_ago <= 160


def test_what_people_looked_at_is_counted_apart(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    run = start(ledger, make_recipe())
    register(ledger, run, [Document("a.png", "a", 1)])
    lost = make_reading("b", "", status="unreadable", review=True, box=Box(200, 20, 30, 40))
    record(ledger, run, make_page("a", 1, make_reading("a", review=True), lost))
    (page,) = ledger.connection.execute("SELECT id FROM pages").fetchone()
    state = read_state(ledger, item_of(page, 1))
    assert state is not None
    add(ledger, state.item, state.version, Answer("value", "42"), "Ana")
    assert take_status(ledger).fields == Fields(values=2, blank=0, unreadable=0, to_look_at=1, looked_at=1)
    register(ledger, run, [Document("a.png", "a", 0, Failure("memory"))])
    assert take_status(ledger).fields == Fields(values=0, blank=0, unreadable=0, to_look_at=0, looked_at=0)


def test_what_to_look_at_is_as_the_table_has_it(ledger: Ledger, make_page: Page, make_reading: Make) -> None:
    run = start(ledger, make_recipe())
    register(ledger, run, [Document("a.png", "a", 1), Document("same.png", "a", 1)])
    fields = [make_reading(str(x), confidence=1 - x / 1000, box=Box(x, 0, 50, 9)) for x in (0, 100, 200, 300)]
    record(ledger, run, make_page("a", 1, *fields))
    ledger.connection.execute("INSERT INTO audits VALUES (1, '', 'Ana', ?, 1, 4, 0, 0.01, '')", (run.recipe,))
    ledger.connection.execute("INSERT INTO thresholds VALUES (1, '', 'Ana', ?, 1, 0.75)", (run.recipe,))
    ledger.connection.execute("INSERT INTO tiles VALUES (1, '', 'Ana', 1, 0, 0, '0', 'wrong')")
    states = [read_state(ledger, item_of(1, position)) for position in (1, 3)]
    for state in filter(None, states):
        add(
            ledger,
            state.item,
            state.version,
            Answer("blank"),
            "Ana",
            "first" if state.place.field == "100" else "review",
        )
    rows = Counter((row.status, row.review) for row in list_rows(ledger, run.recipe))
    found = take_status(ledger).fields
    assert found.to_look_at == sum(count for (_, review), count in rows.items() if review == "yes") == 2
    assert found.looked_at == sum(count for (_, review), count in rows.items() if review == "done") == 2
    assert found.blank == sum(count for (status, _), count in rows.items() if status == "blank") == 2


def test_a_status_waits_for_nobody_who_writes(ledger: Ledger) -> None:
    start(ledger, make_recipe())
    with transaction(ledger), visit_ledger(Path(ledger.name)) as visitor:
        assert take_status(visitor).files == Files(0, 0, 0, 0, 0)


def test_a_status_is_plain_enough_for_json(ledger: Ledger) -> None:
    from docproc.apps.standing import dump_status

    run = start(ledger, make_recipe())
    register(ledger, run, [Document("caf\udce9.png", "", 0, Failure("gone", "line\nbreak"))])
    told = json.loads(dump_status(take_status(ledger)))
    assert told["troubles"][0]["source"] == "caf\\xe9.png"
    assert told["files"]["failed"] == 1
