"""What waits for people, in what order, and that several get different things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from docproc.errors import UsageError
from docproc.records.audit import Drawn, find_audit, keep_sample, keep_threshold
from docproc.records.corrections import Changed, add, item_of, place_of, read_state, withdraw
from docproc.records.grid import Tile, judge_tiles
from docproc.records.items import read_item
from docproc.records.lanes import Entry, Lane, Wanted, find_codes
from docproc.records.ledger import Ledger, Run, begin, open_ledger, record, register, visit_ledger
from docproc.records.matching import Answer, Correction, Purpose
from docproc.records.queue import LEASE_SECONDS, Keying, Queue
from docproc.types import Box, Document, PageResult

Page = Callable[..., PageResult]
Make = Callable[..., object]


@pytest.fixture
def fill(ledger: Ledger, make_page: Page, make_reading: Make) -> Callable[..., None]:
    """Record a page of fields, each given by its confidence and flags; with flags it is to be looked at."""
    runs: dict[str, Run] = {}

    def fill_page(name: str, *fields: tuple[float, str], recipe: str = "recipe", flags: Sequence[str] = ()) -> None:
        run = runs[recipe] = runs.get(recipe) or begin(ledger, recipe)
        register(ledger, run, [Document(name, name, 1)])
        readings = [
            make_reading(
                f"f{n}",
                "17",
                box=Box(0, 100 * n, 80, 40),
                confidence=sure,
                review=bool(said),
                flags=tuple(filter(None, said.split(";"))),
            )
            for n, (sure, said) in enumerate(fields)
        ]
        record(ledger, run, make_page(name, 1, *readings, flags=tuple(flags)))

    return fill_page


def say(ledger: Ledger, item: int, text: str, who: str = "ann", purpose: Purpose = "review") -> Correction:
    state = read_state(ledger, item)
    assert state is not None
    return add(ledger, item, state.version, Answer("value", text), who, purpose)


def names(items: Sequence[int]) -> list[tuple[int, int]]:
    return [place_of(item) for item in items]


def test_fields_come_in_the_order_of_pages_or_of_doubt(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("s10.png", (0.4, "disputed"), (0.99, ""), (0.2, "low-confidence"))
    fill("s2.png", (0.3, "low-confidence;touching"))
    queue = Queue(ledger)
    assert names(queue.take("ann", count=9)) == [(2, 0), (1, 0), (1, 2)]
    assert names(queue.take("ann", count=9, order="doubtful")) == [(1, 2), (2, 0), (1, 0)]
    assert names(queue.take("ann", count=2, after=item_of(1, 0))) == [(1, 2), (2, 0)]
    assert queue.around(item_of(1, 0)) == (item_of(2, 0), item_of(1, 2))
    assert queue.around(item_of(2, 0)) == (None, item_of(1, 0))
    assert queue.around(item_of(1, 1)) == (None, None)


def test_a_part_of_the_queue_is_taken_and_counted(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", (0.4, "disputed"), (0.5, "low-confidence=x;disputed"))
    fill("b", (0.3, "low-confidence"), flags=["repaired", "first-frame"])
    queue = Queue(ledger)
    assert names(queue.take("ann", count=9, wanted=Wanted(reason="low-confidence"))) == [(1, 1), (2, 0)]
    assert names(queue.take("ann", count=9, wanted=Wanted(field="f0", reason="disputed"))) == [(1, 0)]
    assert names(queue.take("ann", count=9, wanted=Wanted(digest="b"))) == [(2, 0)]
    assert names(queue.take("ann", count=9, wanted=Wanted(reason="touching"))) == []
    say(ledger, item_of(1, 1), "1")
    told = queue.progress()
    assert (told.total, told.left, told.done, told.seconds, told.minutes) == (3, 2, 1, None, None)
    assert told.reasons == (("disputed", 2, 1), ("low-confidence", 2, 1), ("repaired", 1, 1))
    assert told.fields == (("f0", 2, 2), ("f1", 1, 0))
    assert queue.list_sources() == (("a", ("a", 2, 1)), ("b", ("b", 1, 1)))
    part = queue.progress("review", Wanted(reason="disputed", digest="a"))
    assert (part.total, part.left) == (2, 1)
    assert queue.around(item_of(1, 0), wanted=Wanted(reason="low-confidence")) == (None, item_of(1, 1))


def test_several_people_get_different_fields(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", *[(0.4, "disputed")] * 5)
    with visit_ledger(Path(ledger.name)) as other:
        one, two = Queue(ledger), Queue(other)
        mine, theirs = one.take("ann", count=2, now=0.0), two.take("bob", count=2, now=0.0)
        assert names([*mine, *theirs]) == [(1, 0), (1, 1), (1, 2), (1, 3)]
        assert one.take("ann", count=2, now=1.0) == mine
        assert names(two.take("cy", count=9, now=1.0)) == [(1, 4)]
        assert two.renew("bob", [*theirs, mine[0]], now=LEASE_SECONDS - 1) == theirs


def test_what_others_answer_at_the_last_moment_is_not_taken(
    ledger: Ledger, fill: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill("a", *[(0.4, "disputed")] * 2)
    queue, looks = Queue(ledger), list[int]()
    with visit_ledger(Path(ledger.name)) as other:
        follow = queue._follow

        def follow_and_be_overtaken() -> None:
            follow()
            looks.append(1)
            if len(looks) == 1:
                say(other, item_of(1, 0), "1", "bob")

        monkeypatch.setattr(queue, "_follow", follow_and_be_overtaken)
        assert names(queue.take("ann")) == [(1, 1)]


def test_a_lease_ends(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", *[(0.4, "disputed")] * 3)
    queue = Queue(ledger)
    (first,) = queue.take("ann", now=0.0)
    assert names(queue.take("bob", now=LEASE_SECONDS - 1)) == [(1, 1)]
    assert queue.renew("ann", [first], now=LEASE_SECONDS - 1) == (first,)
    assert names(queue.take("cy", now=LEASE_SECONDS + 1)) == [(1, 2)]
    assert queue.renew("dee", [first], now=LEASE_SECONDS + 1) == ()
    assert names(queue.take("dee", now=2 * LEASE_SECONDS)) == [(1, 0)]
    assert queue.renew("ann", [first], now=2 * LEASE_SECONDS) == ()
    queue.release("dee")
    assert names(queue.take("ann", now=2 * LEASE_SECONDS)) == [(1, 0)]


def test_what_is_answered_elsewhere_waits_no_more(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", (0.4, "disputed"), (0.5, "disputed"))
    queue = Queue(ledger)
    with visit_ledger(Path(ledger.name)) as other:
        made = say(other, item_of(1, 0), "1", "bob")
        assert names(queue.take("ann", count=9)) == [(1, 1)]
        withdraw(other, made.id, "bob")
        assert names(queue.take("ann", count=9)) == [(1, 0), (1, 1)]


def test_pages_read_meanwhile_join(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("b", (0.4, "disputed"))
    with visit_ledger(Path(ledger.name)) as other:
        queue = Queue(other)
        fill("a", (0.4, "disputed"), (0.9, ""))
        assert names(queue.take("ann", count=9)) == [(1, 0), (2, 0)]  # what comes later stands behind
        assert names(Queue(other).take("ann", count=9)) == [(2, 0), (1, 0)]


def test_another_recipe_brings_another_queue(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", (0.4, "disputed"), (0.9, "disputed"))
    queue = Queue(ledger)
    say(ledger, item_of(1, 1), "1")
    fill("a", (0.9, ""), (0.9, "disputed"), (0.3, "low-confidence"), recipe="other")
    assert names(queue.take("ann", count=9)) == [(2, 2)]
    assert queue.progress().done == 1


def test_what_the_queue_follows_is_what_it_would_find_anew(ledger: Ledger, fill: Callable[..., None]) -> None:
    for name in "abc":
        fill(name, *[(0.1 * n, "disputed" if n % 2 else "") for n in range(8)])
    queue, chance, made = Queue(ledger, Keying(frozenset({"f2"}), True, "person")), Random(0), list[Correction]()
    for _ in range(60):
        item = item_of(chance.randint(1, 3), chance.randint(0, 7))
        purpose = chance.choice(["review", "first", "second", "third", "audit", "grid"])
        if made and chance.random() < 0.3:
            with suppress(Changed, UsageError):
                withdraw(ledger, chance.choice(made).id, "ann")
        else:
            with suppress(Changed, UsageError):  # whoever says something at random is refused now and then
                made.append(say(ledger, item, chance.choice("12"), chance.choice(["ann", "bob"]), purpose))  # type: ignore[arg-type]
        anew = Queue(ledger, queue.keying)
        for line in ("review", "first", "second", "third", "audit"):
            assert queue.list_waiting(line) == anew.list_waiting(line)  # type: ignore[arg-type]
            assert queue.progress(line) == anew.progress(line)  # type: ignore[arg-type]


def test_flagged_fields_are_keyed_twice(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", (0.4, "disputed"), (0.9, ""), (0.9, ""))
    queue = Queue(ledger, Keying(frozenset({"f2"}), True, "person"))
    assert names(queue.take("ann", "first", 9)) == [(1, 0), (1, 2)]
    assert queue.take("ann", "second", 9) == ()
    say(ledger, item_of(1, 0), "5", "ann", "first")
    queue.release("ann")
    assert queue.take("ann", "second", 9) == ()
    assert names(queue.take("bob", "second", 9)) == [(1, 0)]
    say(ledger, item_of(1, 0), "6", "bob", "second")
    assert queue.take("bob", "second", 9) == ()
    assert names(queue.take("bob", "third", 9)) == [(1, 0)]
    say(ledger, item_of(1, 0), "6", "cy", "third")
    assert (queue.progress("third").total, queue.progress("third").left) == (1, 0)
    assert queue.progress("review").left == 0


def test_the_machine_may_key_first(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", (0.4, "disputed"), (0.9, ""))
    queue = Queue(ledger, Keying(frozenset({"f1"})))
    assert queue.take("ann", "first", 9) == ()
    assert names(queue.take("ann", "second", 9)) == [(1, 1)]
    say(ledger, item_of(1, 1), "17", "ann", "second")
    assert (queue.progress("second").left, queue.progress("third").left) == (0, 0)


def test_a_sample_is_keyed_blind(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", (0.4, "disputed"), (0.9, ""), (0.8, ""))
    queue = Queue(ledger)
    drawn = [Drawn(item_of(1, n), f"f{n}", "value", "17", 0.9, True, 1) for n in (1, 2)]
    keep_sample(ledger, "recipe", "ann", 0, 2, 0.005, drawn)
    assert names(queue.take("ann", "audit", 9)) == [(1, 1), (1, 2)]
    say(ledger, item_of(1, 1), "17", "ann", "audit")
    say(ledger, item_of(1, 2), "71", "ann", "audit")
    assert (queue.progress("audit").total, queue.progress("audit").left) == (2, 0)
    assert names(queue.take("bob", "third", 9)) == [(1, 2)]
    audit = find_audit(ledger, "recipe")
    assert audit is not None
    keep_threshold(ledger, audit, "ann", 0.85)
    assert names(queue.take("bob", count=9)) == [(1, 0), (1, 2)]
    assert read_item(ledger, item_of(1, 2)).flags == ("low-confidence",)


def test_a_field_with_a_wrong_digit_joins(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", (0.4, "disputed"), (0.9, ""))
    queue = Queue(ledger)
    judge_tiles(ledger, "ann", [(Tile(item_of(1, 1), 0, "1", 0.9, "1"), True)])
    assert names(queue.take("ann", count=9)) == [(1, 0), (1, 1)]
    assert queue.progress().reasons == (("disputed", 1, 1), ("doubted", 1, 1))
    assert read_item(ledger, item_of(1, 1)).flags == ("doubted",)


@pytest.mark.parametrize("purpose", ["first", "second", "audit"])
def test_a_blind_item_tells_nothing(ledger: Ledger, fill: Callable[..., None], purpose: Purpose) -> None:
    fill("a", (0.4, "changed-by-rule=71"))
    say(ledger, item_of(1, 0), "99")
    seen, blind = read_item(ledger, item_of(1, 0)), read_item(ledger, item_of(1, 0), purpose)
    assert seen.reading is not None
    assert (seen.reading.text, seen.flags, seen.verdict.who) == ("17", ("changed-by-rule=71",), "ann")
    assert [digit.text for digit in seen.reading.digits] == ["1", "7"]
    assert seen.reading.alternatives == (("001", 0.01),)
    assert (blind.reading, blind.flags, blind.said, blind.verdict.answer) == (None, (), (), None)
    assert (blind.strip, blind.version, blind.box) == (b"\x89PNG", seen.version, Box(0, 0, 80, 40))
    assert (blind.source, blind.path, blind.page, blind.field) == ("a", "a", 1, "f0")


def test_the_pace_is_that_of_answers_without_breaks(ledger: Ledger, fill: Callable[..., None]) -> None:
    fill("a", *[(0.4, "disputed")] * 14)
    queue, now = Queue(ledger), datetime(2020, 1, 1, tzinfo=UTC)
    for n in range(14):
        now += timedelta(seconds=600 if n == 6 else 0.001 if n == 9 else 2)
        state = read_state(ledger, item_of(1, n))
        assert state is not None
        add(ledger, state.item, state.version, Answer("blank"), "ann", at=now)
    assert queue.progress().seconds == 2
    assert queue.progress().minutes == 0


def test_a_source_that_is_gone_waits_for_nobody(tmp_path: Path, make_page: Page, make_reading: Make) -> None:
    with open_ledger(tmp_path / "l") as ledger:
        run = begin(ledger, "recipe")
        register(ledger, run, [Document("a.png", "old", 1)])
        record(ledger, run, make_page("old", 1, make_reading(review=True)))
        register(ledger, run, [Document("a.png", "new", 1)])
        record(ledger, run, make_page("new", 1, make_reading(review=True)))
        assert names(Queue(ledger).take("ann", count=9)) == [(2, 0)]


def test_a_lane_keeps_its_counts_whatever_comes_and_goes() -> None:
    chance, lane, known = Random(1), Lane(), dict[int, tuple[Entry, str]]()
    for _ in range(400):
        item = chance.randint(0, 20)
        entry = Entry(item, (0, 0, item), "d", f"f{item % 3}", chance.choice([0.1, 0.5]), ("gap",) * (item % 2), True)
        stand = chance.choice(["todo", "done", None])
        lane.put(entry, stand)  # type: ignore[arg-type]
        known.pop(item, None)
        if stand is not None:
            known[item] = (entry, stand)
        waiting = [(e, s) for e, s in known.values() if s == "todo"]
        assert [e.item for e in lane.walk("page")] == sorted(e.item for e, _ in waiting)
        assert [e.item for e in lane.walk("doubtful")] == [
            i for _, i in sorted((e.confidence, e.item) for e, _ in waiting)
        ]
        assert lane.count()[1:] == (len(known), len(waiting))
        for field in ("f0", "f1"):
            part = [s for e, s in known.values() if e.field == field]
            assert lane.count(Wanted(field=field))[1:] == (len(part), part.count("todo"))


def test_codes_are_flags_that_call_for_a_look() -> None:
    assert find_codes("touching;sum-unmet=a:1;gap", "", "gap;repaired") == ("sum-unmet", "gap", "repaired")
