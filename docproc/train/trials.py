"""What a search for knobs found: as text, as a table, as a picture, and as a file that a training takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docproc.errors import InputError
from docproc.train.fit import Knobs, Scores
from docproc.train.knobs import save_knobs
from docproc.train.plot import save_table
from docproc.train.report import render_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from optuna import Study

SHOWN = 10
"""Trials on the terminal; all are in trials.csv."""
SCORES = ("loss", "mnist", "digits", "rejects", "refused", "scout")
KNOBS = ("width", "depth", "scout_width", "loss", "smoothing", "focus", "optimizer", "rate", "decay", "average")
"""What a search decides; the other knobs are as `docproc train` has them."""
FEWEST = 8
"""Complete trials from which on it can be told which knob mattered."""
BEST_SHARE = 0.25
"""The trials that importance compares with all others."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial: how it ended (complete, pruned or fail), its knobs, the scores of its last epoch, and the
    multiply-adds of a crop that both its nets look at. A trial killed at once has none of them."""

    number: int
    state: str
    knobs: Knobs | None
    scores: Scores | None
    multiply_adds: int | None

    @property
    def error(self) -> float:
        """What the search makes small; infinite before the first epoch."""
        return float("inf") if self.scores is None else measure_error(self.scores)


def measure_error(scores: Scores) -> float:
    """Mean error on held-out writers: MNIST's digits, composed digits, composed digits for the small net, and the sum
    of rejects taken for digits and digits taken for none."""
    return (scores.mnist + scores.digits + scores.scout + scores.rejects + scores.refused) / 4


def list_tried(study: Study) -> tuple[Tried, ...]:
    """All trials that have ended, in the order of their numbers."""
    ended = [trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()]
    return tuple(
        Tried(
            trial.number,
            trial.state.name.lower(),
            Knobs(**trial.user_attrs["knobs"]) if "knobs" in trial.user_attrs else None,
            Scores(**trial.user_attrs["scores"]) if "scores" in trial.user_attrs else None,
            trial.user_attrs.get("multiply_adds"),
        )
        for trial in ended
    )


def rank_tried(tried: Sequence[Tried]) -> list[Tried]:
    """The complete trials, best first."""
    return sorted((one for one in tried if one.state == "complete"), key=lambda one: one.error)


def save_trials(study: Study, out: Path) -> None:
    """trials.csv, tune.png and best.toml in that folder. Raises InputError where no trial is complete."""
    tried = list_tried(study)
    ranked = rank_tried(tried)
    if not ranked:
        raise InputError(f"no trial in {out} is complete; run again with more --trials")
    head = ("trial", "state", "error", "multiply_adds", *SCORES, *(f"knob_{name}" for name in KNOBS))
    save_table(out / "trials.csv", head, [_row(one) for one in tried])
    best = ranked[0]
    assert best.knobs is not None
    heading = f"found by docproc tune: trial {best.number}, mean error {best.error:.2%}"
    save_knobs(best.knobs, decisive(best.knobs), out / "best.toml", heading)
    draw_search(study, tried).savefig(out / "tune.png")


def decisive(knobs: Knobs) -> list[str]:
    """The names of the knobs that a search decides, without that of the loss that was not taken."""
    idle = "focus" if knobs.loss == "smoothed" else "smoothing"
    return [name for name in KNOBS if name != idle]


def render_trials(tried: Sequence[Tried]) -> str:
    """The best trials as a table, and how many there were."""
    ranked = rank_tried(tried)
    counts = [(state, sum(one.state == state for one in tried)) for state in ("complete", "pruned", "fail")]
    head = ("trial", "error", "MNIST", "digits", "small net", "rejects", "refused", "multiply-adds", "knobs")
    rows = [_tell_best(one) for one in ranked[:SHOWN]]
    trials = ", ".join(f"{count} {state}" for state, count in counts if count)
    return f"trials: {trials}\n" + render_table([head, *rows])


def tell_trial(tried: Tried) -> str:
    """One trial as a line."""
    reached = "" if tried.scores is None else f", mean error {tried.error:.2%} after epoch {tried.scores.epoch}"
    knobs = "" if tried.knobs is None else f" ({describe_knobs(tried.knobs)})"
    return f"trial {tried.number}: {tried.state}{reached}{knobs}"


def describe_knobs(knobs: Knobs) -> str:
    """The knobs that a search decides, in short."""
    softness = knobs.smoothing if knobs.loss == "smoothed" else knobs.focus
    return (
        f"{knobs.width}x{knobs.depth}, small {knobs.scout_width}, {knobs.loss} {softness:g}, "
        f"{knobs.optimizer} {knobs.rate:g}, decay {knobs.decay:g}, average {knobs.average:g}"
    )


def _tell_best(tried: Tried) -> tuple[str, ...]:
    assert tried.scores is not None
    assert tried.knobs is not None
    scores = tried.scores
    errors = (tried.error, scores.mnist, scores.digits, scores.scout, scores.rejects, scores.refused)
    cost = f"{(tried.multiply_adds or 0) / 1e6:.1f} M"
    return (str(tried.number), *(f"{error:.2%}" for error in errors), cost, describe_knobs(tried.knobs))


def _row(tried: Tried) -> tuple[object, ...]:
    error = "" if tried.scores is None else tried.error
    scores = [getattr(tried.scores, name, "") for name in SCORES]
    knobs = [getattr(tried.knobs, name, "") for name in KNOBS]
    return (tried.number, tried.state, error, tried.multiply_adds or "", *scores, *knobs)


def draw_search(study: Study, tried: Sequence[Tried]) -> Figure:
    """How the error fell over the trials, what it costs, and which knobs mattered."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), dpi=110, layout="constrained")
    history, cost, importance = figure.subplots(1, 3)
    _draw_history(history, tried)
    _draw_cost(cost, tried)
    _draw_importance(importance, study, len(rank_tried(tried)))
    return figure


def _draw_history(axes: Axes, tried: Sequence[Tried]) -> None:
    complete = [one for one in tried if one.state == "complete"]
    pruned = [one for one in tried if one.state == "pruned"]
    best = [min(one.error for one in complete[: i + 1]) for i in range(len(complete))]
    axes.plot([one.number for one in complete], [one.error for one in complete], "o", label="complete")
    axes.plot([one.number for one in pruned], [one.error for one in pruned], "x", color="0.6", label="pruned")
    axes.step([one.number for one in complete], best, where="post", color="tab:red", label="best so far")
    axes.set(xlabel="trial", ylabel="mean error on held-out writers", title="Search", yscale="log")
    axes.grid(alpha=0.3, which="both")
    axes.legend()


def _draw_cost(axes: Axes, tried: Sequence[Tried]) -> None:
    complete = [one for one in tried if one.state == "complete"]
    axes.plot([(one.multiply_adds or 0) / 1e6 for one in complete], [one.error for one in complete], "o")
    axes.set(xlabel="million multiply-adds a crop", title="Error and cost", yscale="log")
    axes.grid(alpha=0.3, which="both")


def _draw_importance(axes: Axes, study: Study, complete: int) -> None:
    """PED-ANOVA (Watanabe et al., 2023): how far a knob's values in the best trials differ from those in all."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    axes.set(title="Importance of each knob")
    if complete < FEWEST:
        axes.text(0.5, 0.5, f"needs {FEWEST} complete trials", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    shares = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE))
    names = list(shares)[::-1]
    axes.barh(names, [shares[name] for name in names])
    axes.xaxis.set_major_formatter("{x:.0%}")
