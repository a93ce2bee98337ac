"""What care costs: for each share of wrong values that one can bear, how many fields a person looks at."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from docproc.records.audit import Judged

SHARES = (0.01, 0.005, 0.002, 0.001, 0.0005)
"""Shares of wrong values among accepted ones that are offered."""
SECONDS = 1.5
"""What a look takes, before anybody has looked."""


class Offer(NamedTuple):
    """What it costs to accept no more than `max_error`.

    Fields to look at, those of them that nobody has settled yet, minutes for those; values accepted unseen, from which
    confidence on, and how many of them are expected to be wrong.
    """

    max_error: float
    looks: int
    left: int
    minutes: float
    accepted: int
    least: float
    wrong: float


def choose_shares(borne: float) -> tuple[float, ...]:
    """The shares to offer: the usual ones and the one that a run was to accept, the largest first."""
    return tuple(sorted({*SHARES, borne}, reverse=True))


def list_offers(fields: Sequence[Judged], seconds: float, shares: Sequence[float] = SHARES) -> tuple[Offer, ...]:
    """An offer for each share, going by what the confidences promise: of values as sure as p, one in 1 / (1 - p) is
    wrong. Fields with doubts of their own are looked at whatever the share."""
    sure = sorted(
        (field for field in fields if field.status == "value" and not field.doubtful and not field.answered),
        key=lambda field: -field.confidence,
    )
    others = [field for field in fields if field.doubtful or field.answered]
    doubts = list(accumulate((1 - field.confidence for field in sure), initial=0.0))
    waiting = sum(field.doubtful and not field.settled for field in others)
    offers = []
    for share in shares:
        accepted = max(count for count, doubt in enumerate(doubts) if doubt <= share * count)
        rest = len(sure) - accepted
        least = sure[accepted - 1].confidence if accepted else 1.0
        left = waiting + rest
        offers.append(Offer(share, len(others) + rest, left, left * seconds / 60, accepted, least, doubts[accepted]))
    return tuple(offers)
