"""What care costs."""

from __future__ import annotations

import pytest

from docproc.flow.budget import SHARES, choose_shares, list_offers
from docproc.records.audit import Judged


def field(confidence: float, status: str = "value", **given: bool) -> Judged:
    flags = {"doubtful": False, "flagged": False, "settled": False, "answered": False} | given
    return Judged(0, "f", status, "", confidence, **flags)


def test_the_surest_are_accepted_as_far_as_their_doubts_allow() -> None:
    fields = [field(c) for c in (0.8, 0.999, 0.98, 1.0)]
    loose, mean, strict, none = list_offers(fields, 2.0, (0.06, 0.01, 0.0006, 0.0))
    assert [offer.accepted for offer in (loose, mean, strict, none)] == [4, 3, 2, 1]
    assert [offer.left for offer in (loose, mean, strict, none)] == [0, 1, 2, 3]
    assert (mean.least, strict.least) == (0.98, 0.999)
    assert mean.wrong == pytest.approx(0.021)
    assert mean.minutes == pytest.approx(2 / 60)


def test_doubtful_fields_are_looked_at_whatever_the_share() -> None:
    fields = [field(0.999, doubtful=True, flagged=True), field(0.999), field(0.0, "unreadable", doubtful=True)]
    (offer,) = list_offers(fields, 1.0, (0.5,))
    assert (offer.looks, offer.left, offer.accepted) == (2, 2, 1)


def test_what_is_settled_costs_no_more() -> None:
    fields = [field(0.9, doubtful=True, settled=True, answered=True), field(0.5, answered=True, settled=True)]
    (offer,) = list_offers(fields, 1.0, (0.01,))
    assert (offer.looks, offer.left, offer.accepted, offer.wrong) == (2, 0, 0, 0.0)


def test_blank_fields_are_accepted_and_promise_nothing() -> None:
    (offer,) = list_offers([field(0.0, "blank")], 1.0, (0.01,))
    assert (offer.left, offer.accepted) == (0, 0)


def test_nothing_costs_nothing() -> None:
    (offer,) = list_offers([], 1.0, (0.01,))
    assert offer == (0.01, 0, 0, 0.0, 0, 1.0, 0.0)


def test_the_share_of_the_run_is_among_those_offered() -> None:
    assert choose_shares(0.005) == SHARES
    assert choose_shares(0.003) == (0.01, 0.005, 0.003, 0.002, 0.001, 0.0005)
