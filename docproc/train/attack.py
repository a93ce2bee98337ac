"""How much it takes to make the reader fail: `docproc attack`, on digits of writers it never saw.

A digit that is refused costs somebody a look, one that is wrong and sure costs a wrong value: they are told apart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress

from docproc.errors import LedgerError
from docproc.recognize.classifier import find_weights, load_nets
from docproc.recognize.net import Net
from docproc.train.adversary import pgd
from docproc.train.corruptions import NATURAL, Change
from docproc.train.crops import LabelledCrops, join_crops, mnist_crops
from docproc.train.fit import compose_crops, predict, show_bar
from docproc.train.plot import require_matplotlib, save_table
from docproc.train.report import render_table, share
from docproc.types import NOT_A_DIGIT, Crops, Probs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SURE = 0.95
"""From this chance on a wrong digit counts as sure; it is the network's own, not yet calibrated."""
GREYS = (2, 4, 8, 16, 32)
"""How far an attack may move each pixel, of 255."""
STEPS = 20
"""Of projected gradient descent; ten left up to one digit in a hundred more right."""
REACH = 2.5
"""All steps together could go so many times as far as the attack may (Madry et al., 2018)."""
DIGITS_PER_FIELD = 3
"""Composed fields yield a little over four whole digits each."""
BATCH, WORKERS = 256, 2
ROWS, COLUMNS = 2, 5
"""Panels of the picture, and crops in each row of a strip."""
LABEL = 10
"""Pixels above an example for what was read."""


class Outcome(NamedTuple):
    """What one change at one strength does. `right` is the share whose likeliest digit is the true one, `rejected`
    the share that is likeliest not a digit, `sure_wrong` the share read as a wrong digit with a chance of SURE."""

    change: str
    strength: float
    unit: str
    right: float
    rejected: float
    sure_wrong: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """What a change does, weakest first; `examples` are crops at its strongest, `read` their classes 0..10."""

    outcomes: tuple[Outcome, ...]
    examples: Crops
    read: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """All that was measured of one model; `shown` are the true classes of each curve's examples."""

    model: str
    mnist: int
    composed: int
    seed: int
    untouched: Outcome
    curves: tuple[Curve, ...]
    shown: NDArray[np.int64]


def attack(data: Path, out: Path, weights: Path | None, count: int, seed: int, device: str) -> Robustness:
    """Measure the large net of weights (None: the shipped ones); tables and a picture are written to `out`.

    Half of the digits are MNIST's, half are composed; fewer than `count` where the sets hold no more.
    """
    require_matplotlib()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(f"cannot write to {out}: {error}; name another folder with --out") from error
    nets, _, digest = load_nets(find_weights(weights))
    net = nets.reader.to(device)
    with show_bar() as bar:
        mnist, composed = choose_digits(data, out, count, seed, bar)
        digits = join_crops((mnist, composed))
        shown = np.unique(digits.labels, return_index=True)[1]
        untouched = judge(predict(net, digits.crops), digits.labels, "none", 0, "")
        changes = (*adversarial(net, digits.labels), *NATURAL)
        curves = tuple(trace(net, digits, change, shown, bar) for change in changes)
    sizes = (len(mnist.labels), len(composed.labels))
    measured = Robustness(digest, *sizes, seed, untouched, curves, digits.labels[shown])
    save(measured, out)
    return measured


def choose_digits(data: Path, out: Path, count: int, seed: int, bar: Progress) -> tuple[LabelledCrops, LabelledCrops]:
    """`count` digits of held-out writers at random, MNIST's and composed ones."""
    rng = np.random.default_rng(seed)
    mnist = _pick(rng, mnist_crops(data, held_out=True), count // 2)
    left = count - len(mnist.labels)
    composed = compose_crops(data, out, -(-left // DIGITS_PER_FIELD), seed, True, WORKERS, bar)
    return mnist, _pick(rng, composed, left)


def _pick(rng: np.random.Generator, made: LabelledCrops, count: int) -> LabelledCrops:
    chosen = rng.permutation(np.flatnonzero(made.labels != NOT_A_DIGIT))[:count]
    return LabelledCrops(made.crops[chosen], made.labels[chosen], made.styles[chosen])


def adversarial(net: Net, labels: NDArray[np.int64]) -> tuple[Change, ...]:
    """Both attacks on a net, for crops of these classes."""
    methods = (("fgsm", 1), ("pgd", STEPS))
    return tuple(
        Change(name, "grey levels of 255", GREYS, partial(fool, net=net, labels=labels, steps=steps))
        for name, steps in methods
    )


def fool(crops: Crops, greys: float, net: Net, labels: NDArray[np.int64], steps: int) -> Crops:
    """Crops as a file could hold them, no pixel further than `greys` from its own, that a net takes for other digits.

    Digits alone compete: what is only refused has not fooled anybody.
    """
    device = next(net.parameters()).device
    size = greys / 255
    step = min(size, REACH * size / steps)
    fooling = np.empty_like(crops)
    for start in range(0, len(crops), BATCH):
        part = slice(start, start + BATCH)
        batch = torch.from_numpy(crops[part]).to(device)[:, None].float() / 255
        changed = pgd(net, batch, torch.from_numpy(labels[part]).to(device), size, steps, step, NOT_A_DIGIT)
        fooling[part] = (changed[:, 0] * 255).round().byte().cpu().numpy()
    return fooling


def trace(net: Net, digits: LabelledCrops, change: Change, shown: NDArray[np.int64], bar: Progress) -> Curve:
    """Try a change at each of its strengths; `shown` says which digits become examples."""
    task = bar.add_task(change.name, total=len(change.strengths))
    outcomes = []
    for strength in change.strengths:
        changed = change.apply(digits.crops, strength)
        chances = predict(net, changed)
        outcomes.append(judge(chances, digits.labels, change.name, strength, change.unit))
        bar.advance(task)
    return Curve(tuple(outcomes), changed[shown], chances[shown].argmax(1))


def judge(chances: Probs, labels: NDArray[np.int64], change: str, strength: float, unit: str) -> Outcome:
    """Shares of digits that are right, rejected, and wrong though sure."""
    likeliest = chances.argmax(1)
    wrong = (likeliest != labels) & (likeliest != NOT_A_DIGIT)
    return Outcome(
        change,
        strength,
        unit,
        float((chances[:, :NOT_A_DIGIT].argmax(1) == labels).mean()),
        float((likeliest == NOT_A_DIGIT).mean()),
        float((wrong & (chances.max(1) >= SURE)).mean()),
    )


def list_outcomes(measured: Robustness) -> tuple[Outcome, ...]:
    """All of them, the untouched digits first."""
    return (measured.untouched, *(outcome for curve in measured.curves for outcome in curve.outcomes))


def render(measured: Robustness) -> str:
    """The table as text for a terminal."""
    head = ("change", "strength", "right", "rejected", f"wrong, sure {SURE:.0%}")
    rows = [
        (o.change, f"{o.strength:g} {o.unit}" if o.unit else "", *map(share, (o.right, o.rejected, o.sure_wrong)))
        for o in list_outcomes(measured)
    ]
    number = measured.mnist + measured.composed
    title = f"{number} digits of writers never seen: {measured.mnist} of MNIST, {measured.composed} composed"
    return f"{title}\n{render_table([head, *rows])}"


def save(measured: Robustness, out: Path) -> None:
    """attack.csv, attack.json and attack.png in that folder."""
    facts = {"model": measured.model, "mnist": measured.mnist, "composed": measured.composed, "seed": measured.seed}
    plain = {**facts, "sure": SURE, "outcomes": [outcome._asdict() for outcome in list_outcomes(measured)]}
    try:
        save_table(out / "attack.csv", Outcome._fields, list_outcomes(measured))
        (out / "attack.json").write_text(json.dumps(plain, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        draw(measured).savefig(out / "attack.png")
    except OSError as error:
        raise LedgerError(f"cannot write the results to {out}: {error}; name another folder with --out") from error


def draw(measured: Robustness) -> Figure:
    """A panel for each change, and under it digits at its strongest with what was read, wrong ones in red."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 9.5), dpi=100, layout="constrained")
    grid = figure.add_gridspec(2 * ROWS, COLUMNS, height_ratios=(3, 1.4) * ROWS)
    for i, curve in enumerate(measured.curves):
        row, column = divmod(i, COLUMNS)
        _draw_curve(figure.add_subplot(grid[2 * row, column]), measured.untouched, curve)
        _draw_examples(figure.add_subplot(grid[2 * row + 1, column]), curve, measured.shown)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=4)
    return figure


def _draw_curve(axes: Axes, untouched: Outcome, curve: Curve) -> None:
    points = curve.outcomes
    axes.axhline(untouched.right, linestyle="--", color="tab:blue", label="right, untouched")
    strengths = [point.strength for point in points]
    axes.plot(strengths, [point.right for point in points], "o-", color="tab:blue", label="right among ten digits")
    axes.plot(strengths, [point.rejected for point in points], "o-", color="0.6", label="rejected")
    axes.plot(strengths, [point.sure_wrong for point in points], "o-", color="tab:red", label=f"wrong, sure {SURE:.0%}")
    axes.set(title=points[-1].change, xlabel=points[-1].unit, ylim=(-0.03, 1.03))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.grid(alpha=0.3)


def _draw_examples(axes: Axes, curve: Curve, truth: NDArray[np.int64]) -> None:
    side = curve.examples.shape[1]
    height = side + LABEL
    sheet = np.zeros((-(-len(truth) // COLUMNS) * height, COLUMNS * side), np.uint8)
    for i, (crop, read, label) in enumerate(zip(curve.examples, curve.read, truth, strict=True)):
        top, left = i // COLUMNS * height, i % COLUMNS * side
        sheet[top + LABEL : top + height, left : left + side] = crop
        colour = "tab:green" if read == label else "tab:red"
        text = "none" if read == NOT_A_DIGIT else str(read)
        axes.text(left + side / 2, top + LABEL / 2, text, color=colour, ha="center", va="center", weight="bold")
    axes.imshow(255 - sheet, cmap="gray", vmin=0, vmax=255)
    axes.set_axis_off()
