"""Fields that share sums, weighed together: the likeliest assignment of texts to them, and how likely each text is.

An assignment has the product of its texts' chances, and WRONG_SUM for each sum that it leaves unmet. Field after field,
assignments are merged that leave every sum open by the same amount, as in a forward-backward pass (Rabiner, Proc. IEEE
77, 1989): twenty parts then cost no more than twenty times one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from docproc.types import Sum

WRONG_SUM = 0.03
"""Weight of an assignment that leaves a sum unmet beside one that meets it: people add wrongly and copy wrongly. It
errs on the side of the ink, as if whoever adds wrongly always wrote the very number that was read: in the simulation of
benchmarks/rules.py a tenth of it was still honest, and a third gave 13 % more accepted values of sums."""
STATES, LEAST_STATE = 400, 1e-9
"""Open amounts kept after each field, and the least chance of one; what falls out counts as unmet."""


class Candidate(NamedTuple):
    """What a field may hold: the text, its number in units of the component's last decimal, and its chance. What is
    something else, or no number, has neither."""

    text: str | None
    units: int | None
    chance: float


@dataclass(frozen=True, slots=True)
class Component:
    """Fields that sums join, in the order in which they are added, and those sums; the first candidate of each field
    is what was read. `decimals` is how many digits after the point a unit has."""

    fields: Mapping[str, tuple[Candidate, ...]]
    sums: tuple[Sum, ...]
    decimals: int


State: TypeAlias = tuple[int | None, ...]
"""What each sum is open by after some fields, None where it cannot be met any more, 0 before its first field and after
its last one."""


class Turn(NamedTuple):
    """One field's turn: its candidates, the sign with which it enters each of its sums, by the sum's number, and the
    numbers of the sums that are complete with it and of those that then are not."""

    candidates: tuple[Candidate, ...]
    signs: Mapping[int, int]
    complete: tuple[int, ...]
    open: tuple[int, ...]


class Edge(NamedTuple):
    """A candidate of a field that leads from one state to another, with its weight."""

    start: State
    candidate: int
    stop: State
    weight: float


class Verdict(NamedTuple):
    """The number of each field's candidate in the likeliest assignment, and the chances of all candidates."""

    chosen: Mapping[str, int]
    chances: Mapping[str, Sequence[float]]


def members_of(sum_: Sum) -> tuple[str, ...]:
    """The fields of a sum, the whole last."""
    return (*sum_.parts, sum_.whole)


def weigh_together(component: Component) -> Verdict:
    """The likeliest assignment, and how likely each candidate of each field is over all assignments."""
    turns = _take_turns(component)
    layers: list[dict[State, float]] = [{(0,) * len(component.sums): 1.0}]
    best: dict[State, tuple[float, tuple[int, ...]]] = dict.fromkeys(layers[0], (1.0, ()))
    edges: list[list[Edge]] = []
    for turn in turns:
        edges.append(_prune([edge for state in layers[-1] for edge in _advance(state, turn)], layers[-1], turn.open))
        layers.append(_add_up(edges[-1], layers[-1]))
        best = _go_best(edges[-1], best)
    chances = _go_back(turns, layers, edges)
    _, route = max(best.values(), key=lambda found: found[0])
    return Verdict(dict(zip(component.fields, route, strict=True)), dict(zip(component.fields, chances, strict=True)))


def _take_turns(component: Component) -> list[Turn]:
    """The fields in order, each with what it does to the sums."""
    names = list(component.fields)
    places = [[names.index(name) for name in members_of(sum_)] for sum_ in component.sums]
    turns = []
    for place, name in enumerate(names):
        signs = {
            i: -1 if name == sum_.whole else 1 for i, sum_ in enumerate(component.sums) if name in members_of(sum_)
        }
        complete = tuple(i for i, of_sum in enumerate(places) if max(of_sum) == place)
        still = tuple(i for i, of_sum in enumerate(places) if min(of_sum) <= place < max(of_sum))
        turns.append(Turn(component.fields[name], signs, complete, still))
    return turns


def _advance(state: State, turn: Turn) -> Iterator[Edge]:
    """Where each candidate of a field leads from a state; a sum that is complete is weighed and then forgotten."""
    for number, candidate in enumerate(turn.candidates):
        if not candidate.chance > 0:
            continue
        amounts, weight = list(state), candidate.chance
        for i, sign in turn.signs.items():
            amount, units = amounts[i], candidate.units
            amounts[i] = None if amount is None or units is None else amount + sign * units
        for i in turn.complete:
            weight *= 1.0 if amounts[i] == 0 else WRONG_SUM
            amounts[i] = 0
        yield Edge(state, number, tuple(amounts), weight)


def _prune(edges: Sequence[Edge], layer: Mapping[State, float], still: Sequence[int]) -> list[Edge]:
    """The edges, those to unlikely states led to the one where no open sum can be met."""
    weights = _add_up(edges, layer)
    least = LEAST_STATE * math.fsum(weights.values())
    kept = {state for state in sorted(weights, key=lambda state: -weights[state])[:STATES] if weights[state] >= least}

    def lead(state: State) -> State:
        return state if state in kept else tuple(None if i in still else amount for i, amount in enumerate(state))

    return [edge._replace(stop=lead(edge.stop)) for edge in edges]


def _add_up(edges: Iterable[Edge], layer: Mapping[State, float]) -> dict[State, float]:
    """The weight that leads to each state."""
    weights: dict[State, float] = defaultdict(float)
    for edge in edges:
        weights[edge.stop] += layer[edge.start] * edge.weight
    return dict(weights)


def _go_best(
    edges: Iterable[Edge], best: Mapping[State, tuple[float, tuple[int, ...]]]
) -> dict[State, tuple[float, tuple[int, ...]]]:
    """The weight and the candidates of the best route to each state."""
    found: dict[State, tuple[float, tuple[int, ...]]] = {}
    for edge in edges:
        weight, route = best[edge.start]
        if edge.stop not in found or weight * edge.weight > found[edge.stop][0]:
            found[edge.stop] = (weight * edge.weight, (*route, edge.candidate))
    return found


def _go_back(
    turns: Sequence[Turn], layers: Sequence[Mapping[State, float]], edges: Sequence[Sequence[Edge]]
) -> list[list[float]]:
    """The chance of each candidate of each field."""
    ahead: Mapping[State, float] = dict.fromkeys(layers[-1], 1.0)
    chances = []
    for turn, layer, leading in reversed(list(zip(turns, layers[:-1], edges, strict=True))):
        behind: dict[State, float] = defaultdict(float)
        shares = [0.0] * len(turn.candidates)
        for edge in leading:
            onward = edge.weight * ahead[edge.stop]
            behind[edge.start] += onward
            shares[edge.candidate] += layer[edge.start] * onward
        total = math.fsum(shares)
        chances.append([share / total for share in shares])
        ahead = behind
    return chances[::-1]
