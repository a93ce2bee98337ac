"""Train the reader of whole rows: knobs, data, loop, from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from docproc.errors import InputError
from docproc.recognize.line_net import BLANK, OVERWRITTEN, ROOM, SIGNS, STEP, STRUCK, LineNet
from docproc.recognize.line_reader import load_line_net
from docproc.segment.line import HEIGHT
from docproc.train.cache import compose_once
from docproc.train.checkpoint import load_checkpoint, save_checkpoint
from docproc.train.fit import DATA, HELD_OUT, Knobs, average, choose_optimizer, mix_precision, show_bar, take_step
from docproc.train.line_augment import distort_lines
from docproc.train.lines import LabelledLine, make_lines, pack, unpack
from docproc.train.modelfile import save_model
from docproc.train.truth import keep_digits

VALIDATION_FIELDS = 3000
BACK = frozenset(STRUCK + OVERWRITTEN)
SORTED = 50
"""Batches whose rows are sorted by width among themselves: a batch is as wide as its widest row."""


@dataclass(frozen=True, slots=True)
class LineKnobs:
    """All that decides the weights, beside the data; `average` is the share of the averaged weights kept each step."""

    fields: int = 150_000
    epochs: int = 8
    batch: int = 64
    rate: float = 2e-3
    decay: float = 0.02
    average: float = 0.999
    seed: int = 1


@dataclass(frozen=True, slots=True)
class LineScores:
    """Shares of held-out writers' rows: those of which a sign, or a digit, was read wrong; of rows with digits that
    were taken back, those in which none was seen; of the others, those in which one was."""

    epoch: int
    loss: float
    signs: float
    digits: float
    missed: float
    alarms: float


def train_lines(
    data: Path, out: Path, knobs: LineKnobs, device: str = "cpu", workers: int = 2, start: Path | None = None
) -> Path:
    """Train on rows composed of the digits in `data`; write weights, card and checkpoint to `out`.

    Returns the weights' path. The net begins as that of the weights `start`, or anew. A killed training leaves the
    weights of its last finished epoch, and goes on from there when run again with the same knobs.
    """
    weights = out / "lines.safetensors"
    if start is not None and start.resolve() == weights.resolve():
        raise InputError(f"{start} would be overwritten; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(knobs.seed)
    torch.set_num_threads(workers)
    with show_bar() as bar:
        training = compose_lines(data, out, knobs.fields, knobs.seed, False, workers, bar)
        validation = compose_lines(data, out, VALIDATION_FIELDS, knobs.seed, True, workers, bar)
        net, recipe = (LineNet(), asdict(knobs)) if start is None else _go_on_from(start, knobs)
        net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        averaged = AveragedModel(net, avg_fn=partial(average, most=knobs.average), use_buffers=True)
        usual = Knobs(optimizer="adamw", rate=knobs.rate, decay=knobs.decay)
        optimizer, schedule = choose_optimizer(net, usual, len(training) // knobs.batch * knobs.epochs)
        parts = (net, averaged, optimizer, schedule)
        history = [LineScores(**scores) for scores in load_checkpoint(out / "lines.pt", recipe, parts)]
        for epoch in range(len(history), knobs.epochs):
            loss = _learn(net, averaged, training, (optimizer, schedule), knobs, epoch, bar)
            history.append(LineScores(epoch + 1, loss, *validate_lines(cast(LineNet, averaged.module), validation)))
            bar.console.print(_tell(history[-1]))
            save_lines(cast(LineNet, averaged.module), recipe, history[-1], weights)
            save_checkpoint(out / "lines.pt", recipe, parts, [asdict(scores) for scores in history])
        if not weights.exists():
            save_lines(cast(LineNet, averaged.module), recipe, history[-1], weights)
    return weights


def save_lines(net: LineNet, recipe: dict[str, Any], scores: LineScores, weights: Path) -> None:
    """Write the weights after so many of the recipe's epochs, and their card."""
    facts = {"shape": asdict(net.shape), "data": DATA, "held_out": HELD_OUT, "scores": asdict(scores)}
    facts["recipe"] = {**recipe, "passes": scores.epoch}
    save_model(net, weights, facts, half=True)


def _go_on_from(start: Path, knobs: LineKnobs) -> tuple[LineNet, dict[str, Any]]:
    """The net of some weights, and the recipe of its successor. Raises ModelError."""
    net, card, _ = load_line_net(start)
    return net, {**asdict(knobs), "start": {"sha256": card["sha256"], "recipe": card.get("recipe")}}


def compose_lines(
    data: Path, out: Path, fields: int, seed: int, held_out: bool, workers: int, bar: Progress
) -> list[LabelledLine]:
    """Compose the rows, or take those an earlier, interrupted training composed with the same seed."""

    def make() -> dict[str, Any]:
        task = bar.add_task(f"composing rows ({'held-out' if held_out else 'training'} writers)", total=fields)
        lines: list[LabelledLine] = []
        for chunk in make_lines(data, fields, held_out, seed, workers):
            lines += chunk
            bar.advance(task, len(chunk))
        return pack(lines)

    every = unpack(compose_once(data, out, "lines", fields, seed, held_out, make))
    return [line for line in every if line.line.shape[2] and len(line.signs)]


def gather_batch(lines: Sequence[LabelledLine], room: int) -> Tensor:
    """Rows side by side, uint8[n, 2, 32, w]: each with `room` columns of paper before and at least as many behind."""
    widest = max(line.line.shape[2] for line in lines) + 2 * room
    batch = np.zeros((len(lines), 2, HEIGHT, math.ceil(widest / STEP) * STEP), np.uint8)
    for place, line in zip(batch, lines, strict=True):
        place[:, :, room : room + line.line.shape[2]] = line.line
    return torch.from_numpy(batch)


def _learn(
    net: LineNet,
    averaged: AveragedModel,
    training: Sequence[LabelledLine],
    steps: tuple[Any, Any],
    knobs: LineKnobs,
    epoch: int,
    bar: Progress,
) -> float:
    """One pass over the rows; returns its mean loss."""
    device = next(net.parameters()).device
    generator = torch.Generator().manual_seed(knobs.seed * 1000 + epoch)
    torch.manual_seed(knobs.seed * 1000 + epoch)  # dropout too goes on as if nobody had killed it
    batches = _deal(training, knobs.batch, generator)
    task = bar.add_task(f"epoch {epoch + 1}/{knobs.epochs}", total=len(batches))
    optimizer, schedule = steps
    net.train()
    losses = 0.0
    for chosen in batches:
        lines = [training[i] for i in chosen]
        batch = gather_batch(lines, ROOM).to(device).float() / 255
        batch = distort_lines(batch, generator).contiguous(memory_format=torch.channels_last)
        with mix_precision(device):
            scores = net(batch)
        chances = scores.float().log_softmax(2).transpose(0, 1)
        signs = torch.from_numpy(np.concatenate([line.signs for line in lines]).astype(np.int64))
        counts = torch.tensor([len(line.signs) for line in lines])
        spans = torch.full((len(lines),), chances.shape[0])
        loss = F.ctc_loss(chances, signs, spans, counts, BLANK, zero_infinity=True)
        take_step(loss, net, averaged, optimizer, schedule)
        losses += float(loss.detach())
        bar.advance(task)
    return losses / max(1, len(batches))


def _deal(training: Sequence[LabelledLine], size: int, generator: torch.Generator) -> list[NDArray[np.int64]]:
    """Batches of rows about as wide as each other, in random order."""
    order = torch.randperm(len(training), generator=generator).numpy()
    widths = np.array([line.line.shape[2] for line in training])
    groups = [order[i : i + SORTED * size] for i in range(0, len(order), SORTED * size)]
    ranked = np.concatenate([group[np.argsort(widths[group], kind="stable")] for group in groups])
    batches = [ranked[i : i + size] for i in range(0, len(ranked) - size + 1, size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def _tell(scores: LineScores) -> str:
    return (
        f"epoch {scores.epoch}: loss {scores.loss:.4f}, rows of held-out writers wrong: {scores.digits:.2%} by their "
        f"digits, {scores.signs:.2%} by any sign; digits taken back missed in {scores.missed:.2%} of their rows, seen "
        f"in {scores.alarms:.2%} of the others"
    )


def validate_lines(net: LineNet, validation: Sequence[LabelledLine]) -> tuple[float, float, float, float]:
    """The shares of `LineScores`; the likeliest class of each column counts."""
    net.eval()
    device = next(net.parameters()).device
    by_width = sorted(validation, key=lambda line: line.line.shape[2])
    signs = digits = 0
    seen: dict[bool, list[bool]] = {True: [], False: []}
    with torch.inference_mode():
        for i in range(0, len(by_width), 64):
            part = by_width[i : i + 64]
            scores = net(gather_batch(part, ROOM).to(device).float() / 255)
            for line, best in zip(part, scores.argmax(2).cpu().numpy(), strict=True):
                read = read_best(best)
                truth = "".join(SIGNS[sign] for sign in line.signs)
                signs += read != truth
                digits += keep_digits(read) != keep_digits(truth)
                seen[not BACK.isdisjoint(truth)].append(not BACK.isdisjoint(read))
    missed = seen[True].count(False) / max(1, len(seen[True]))
    return signs / len(validation), digits / len(validation), missed, sum(seen[False]) / max(1, len(seen[False]))


def read_best(best: NDArray[np.int64]) -> str:
    """The signs that the likeliest class of each column spells."""
    turns = best[np.flatnonzero(np.diff(best, prepend=-1))]
    return "".join(SIGNS[sign] for sign in turns if sign != BLANK)
