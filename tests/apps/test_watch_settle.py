"""When files may be taken, told by a clock that a test holds in its hand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from docproc.apps.watch.settle import Settling, Sighting


def test_a_file_is_ready_at_its_moment_and_once() -> None:
    waiting = Settling()
    waiting.see(Sighting("a", "1"), 5.0)
    assert waiting.pop(4.9, 10) == []
    assert waiting.next() == 5.0
    assert waiting.pop(5.0, 10) == [Sighting("a", "1")]
    assert waiting.pop(9.0, 10) == []
    assert waiting.next() is None


def test_seeing_the_same_again_changes_nothing() -> None:
    waiting = Settling()
    waiting.see(Sighting("a", "1"), 5.0)
    waiting.see(Sighting("a", "1"), 8.0)
    assert waiting.knows(Sighting("a", "1"))
    assert waiting.pop(5.0, 10) == [Sighting("a", "1")]


def test_a_change_begins_the_wait_anew() -> None:
    waiting = Settling()
    waiting.see(Sighting("a", "1"), 5.0)
    waiting.see(Sighting("a", "2"), 9.0)
    assert not waiting.knows(Sighting("a", "1"))
    assert waiting.pop(8.9, 10) == []
    assert waiting.pop(9.0, 10) == [Sighting("a", "2")]
    assert len(waiting) == 0


def test_those_that_waited_longest_come_first_and_not_all_at_once() -> None:
    waiting = Settling()
    for path, due in (("c", 3.0), ("a", 2.0), ("b", 1.0)):
        waiting.see(Sighting(path, "1"), due)
    assert [sighting.path for sighting in waiting.pop(10.0, 2)] == ["b", "a"]
    assert len(waiting) == 1
    assert [sighting.path for sighting in waiting.pop(10.0, 2)] == ["c"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.integers(0, 9)), max_size=30))
def test_each_file_is_ready_once_as_it_was_seen_last(seen: list[tuple[str, str, int]]) -> None:
    waiting = Settling()
    for path, stamp, due in seen:
        waiting.see(Sighting(path, stamp), float(due))
    last = {path: stamp for path, stamp, _ in seen}
    assert len(waiting) == len(last)
    ready = waiting.pop(9.0, 100)
    assert {sighting.path: sighting.stamp for sighting in ready} == last
    assert len(ready) == len(last)
