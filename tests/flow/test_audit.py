"""What a sample proves of the fields that nobody looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from scipy.stats import beta, binom

from docproc.flow.audit import NEVER, draw_sample, estimate_share, find_bound, find_least, report
from docproc.records.audit import Audit, Drawn, Judged, Outcome
from docproc.records.matching import Answer
from docproc.train.rehearsal import invent_batch, rehearse


def judged(count: int, names: int = 1, confidence: float = 0.99) -> list[Judged]:
    return [Judged(n, f"f{n % names}", "value", "1", confidence, False, False, False, False) for n in range(count)]


def outcomes(confidences: Sequence[float], wrong: Sequence[int] = (), status: str = "value") -> list[Outcome]:
    made = []
    for n, confidence in enumerate(confidences):
        drawn = Drawn(n, "f", status, "1" if status == "value" else "", confidence, True, len(confidences))
        right = Answer("value", "1") if status == "value" else Answer("blank")
        made.append(Outcome(drawn, True, Answer("value", "9") if n in wrong else right))
    return made


def audit_of(found: Sequence[Outcome], accepted: int = 1000, least: float = 0.0) -> Audit:
    return Audit(1, "", "", "", 0, accepted, least, 0.005, tuple(outcome.drawn for outcome in found), "")


@pytest.mark.parametrize(("count", "share"), [(299, 0.01), (598, 0.005), (1497, 0.002), (2995, 0.001), (5990, 0.0005)])
def test_so_many_without_an_error_prove_so_little(count: int, share: float) -> None:
    assert find_bound(0, count) < share < find_bound(0, count - 2)
    assert find_bound(0, 300) == pytest.approx(0.009936081944457708, abs=1e-12)


@pytest.mark.parametrize("wrong", [0, 1, 3, 10, 150, 299, 300])
def test_the_bound_is_that_of_clopper_and_pearson(wrong: int) -> None:
    bound = find_bound(wrong, 300)
    assert bound == pytest.approx(1.0 if wrong == 300 else beta.ppf(0.95, wrong + 1, 300 - wrong), abs=1e-12)
    if wrong < 300:
        assert binom.cdf(wrong, 300, bound) == pytest.approx(0.05, abs=1e-9)


def test_nothing_drawn_proves_nothing() -> None:
    assert find_bound(0, 0) == 1.0


def test_a_sample_is_the_same_for_a_seed_and_takes_no_field_twice() -> None:
    fields = judged(1000, 7)
    one, two = draw_sample(fields, 300, 5), draw_sample(list(reversed(fields)), 300, 5)
    assert one == two
    assert one != draw_sample(fields, 300, 6)
    assert len({drawn.item for drawn in one}) == len(one) == 300


def test_names_keep_their_shares() -> None:
    fields = [
        field._replace(field=name)
        for field, name in zip(judged(1000), ["a"] * 600 + ["b"] * 397 + ["c"] * 3, strict=True)
    ]
    for seed in range(20):
        sample = draw_sample(fields, 100, seed)
        counts = Counter(drawn.field for drawn in sample if drawn.drawn)
        assert abs(counts["a"] - 60) <= 1
        assert abs(counts["b"] - 39.7) <= 1.3
        assert "c" in {drawn.field for drawn in sample}
        assert {drawn.stratum for drawn in sample if drawn.field == "c"} == {3}


def test_rare_names_are_added_while_room_lasts_and_the_bound_does_not_rest_on_them() -> None:
    fields = [field._replace(field=f"f{n}" if n < 40 else "common") for n, field in enumerate(judged(5000))]
    sample = draw_sample(fields, 100, 0)
    assert sum(drawn.drawn for drawn in sample) == 100
    assert sum(not drawn.drawn for drawn in sample) == 10


def test_each_field_is_drawn_as_often_as_any_other() -> None:
    counts: Counter[int] = Counter()
    for seed in range(2000):
        counts.update(drawn.item for drawn in draw_sample(judged(30, 4), 7, seed) if drawn.drawn)
    assert sum(counts.values()) == 14_000
    # 466.7 expected, with a spread of about 19
    assert 370 < min(counts.values()) <= max(counts.values()) < 560


def test_no_more_is_drawn_than_there_is() -> None:
    assert {drawn.item for drawn in draw_sample(judged(5), 300, 0)} == set(range(5))


def test_a_report_waits_until_all_is_keyed() -> None:
    found = outcomes([0.9] * 10, wrong=[1])
    found[4] = found[4]._replace(keyed=False, answer=None)
    told = report(audit_of(found), found, 0.0)
    assert (told.keyed, told.wrong, told.bound, told.estimate) == (9, 1, None, None)


def test_a_report_counts_what_was_read_wrong() -> None:
    found = [*outcomes([0.9] * 99, wrong=[1, 2]), *outcomes([0.0], wrong=[0], status="blank")]
    found[5] = found[5]._replace(answer=None)
    told = report(audit_of(found), found, 0.5)
    assert (told.sampled, told.keyed, told.wrong, told.blank, told.disputed) == (100, 100, 4, 1, 1)
    assert told.bound == find_bound(4, 100)
    assert (told.too_many, told.tightened) == (True, True)


def test_what_was_added_for_its_name_counts_in_the_estimate_alone() -> None:
    found = outcomes([0.9] * 10, wrong=[])
    extra = Outcome(Drawn(99, "rare", "value", "1", 0.9, False, 2), True, Answer("blank"))
    told = report(audit_of(found), [*found, extra], 0.0)
    assert (told.sampled, told.extra, told.wrong) == (10, 1, 0)
    assert told.estimate == pytest.approx(2 / 12)
    assert estimate_share([]) == 0.0


def test_the_threshold_rises_past_what_was_wrong() -> None:
    accepted = [n / 1000 for n in range(500, 1000)]
    found = outcomes([0.6, 0.7, 0.9, 0.95, 0.99], wrong=[2])
    least = find_least(accepted, found, 0.02)
    assert 0.9 < least < 0.999
    rest = [confidence for confidence in accepted if confidence >= least]
    assert sum(1 - confidence for confidence in rest) / len(rest) <= 0.02


def test_confidences_are_believed_the_less_the_more_were_wrong() -> None:
    accepted = [n / 10_000 for n in range(9000, 10_000)]
    sample = [n / 1000 for n in range(900, 1000)]
    few = find_least(accepted, outcomes(sample, wrong=[0, 1, 2, 3, 4, 5]), 0.01)
    many = find_least(accepted, outcomes(sample, wrong=list(range(20))), 0.01)
    assert few < many
    assert find_least(accepted, outcomes(sample, wrong=list(range(100))), 0.001) > max(accepted)
    assert find_least([1.0], outcomes([1.0] * 3, wrong=[0]), 0.001) == NEVER


@pytest.mark.slow
@pytest.mark.parametrize("overconfident", [1.0, 3.0, 10.0])
def test_the_bound_holds_in_95_of_100_batches(overconfident: float) -> None:
    rounds = [rehearse(invent_batch(seed, 20_000, overconfident), 300, 0.005, seed) for seed in range(100)]
    assert sum(audits[0].holds for audits in rounds) >= 95
    assert sum(audits[-1].holds for audits in rounds) >= 95
    assert max(len(audits) for audits in rounds) < 20
