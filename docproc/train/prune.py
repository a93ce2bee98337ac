"""Make the large net smaller: leave out the channels that matter least, then let what is left learn from the whole."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn

from docproc.errors import UsageError
from docproc.recognize.classifier import BATCH, find_weights, load, load_nets
from docproc.recognize.net import CELLS, Cascade, Net, Shape, multiply_adds
from docproc.train import fit
from docproc.train.augment import distort
from docproc.train.crops import LabelledCrops
from docproc.train.fit import Knobs, Scores
from docproc.train.knobs import make_knobs
from docproc.train.lessons import Lessons, gather_lessons, learn_lessons
from docproc.train.report import render_table

RANKING_CROPS = 10_000
"""Crops that say which channels matter: their order hardly moves with more."""
ROUNDS = 21


@dataclass(frozen=True, slots=True)
class Measured:
    """What the large net takes and how often it errs; `size` is in bytes and covers both nets, as the file does."""

    parameters: int
    size: int
    multiply_adds: int
    microseconds: float
    scores: Scores


@dataclass(frozen=True, slots=True)
class Pruned:
    """Where the smaller model lies, and both models measured the same way."""

    weights: Path
    before: Measured
    after: Measured


def prune(
    data: Path,
    out: Path,
    model: Path | None = None,
    keep: float = 0.5,
    epochs: int = 2,
    fields: int = 8000,
    rate: float | None = None,
    teachers: Sequence[Path] = (),
    seed: int = 1,
    device: str = "cpu",
    workers: int = 2,
) -> Pruned:
    """Keep that share of each layer's channels of the large net, let both nets learn what the model and further
    `teachers` say together, write weights and card to `out`.

    Raises UsageError where `out` holds the model itself.
    """
    source = find_weights(model)
    if (out / "digits.safetensors").resolve() == source.resolve():
        raise UsageError(f"--out {out} holds the model that shall be pruned; choose another folder")
    nets, card, _ = load_nets(source)
    knobs = take_knobs(card, source)
    knobs = replace(knobs, fields=fields, epochs=epochs, seed=seed, rate=knobs.rate if rate is None else rate)
    asked = [source, *(find_weights(teacher) for teacher in teachers)]
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    torch.set_num_threads(workers)
    with fit.show_bar() as bar:
        sets = fit.gather_sets(data, out, knobs, workers, bar)
        nets.to(device)
        before = fit.validate(-1, math.nan, nets, sets.mnist, sets.validation)
        kept = choose_channels(rank_channels(nets.reader, sets.training, knobs), keep)
        smaller = join(nets.scout, shrink(nets.reader, kept)).to(device)
        loaded = [load(path, device) for path in asked]
        torch.set_num_threads(workers)  # `load` leaves one, as on pages
        lessons = gather_lessons(data, out, loaded, sets.training, knobs, bar)
        tuned, after = teach_nets(smaller, lessons, sets, knobs, bar)
    recipe = {name: value for name, value in asdict(knobs).items() if name not in (*fit.SHAPE_KNOBS, "attack")}
    facts = {
        "recipe": recipe,
        "training_crops": len(lessons[0].crops),
        "scores": asdict(after),
        "pruned": {"from": card["sha256"], "keep": keep},
        "teachers": [load_nets(path)[1]["sha256"] for path in asked],
    }
    weights = fit.save(tuned, facts, out)
    return Pruned(weights, *measure((source, weights), (before, after)))


def take_knobs(card: dict[str, Any], source: Path) -> Knobs:
    """The knobs that a model was trained with, as its card states them."""
    known = asdict(Knobs())
    stated = {name: value for name, value in card.get("recipe", {}).items() if name in known}
    return make_knobs(stated, source.with_suffix(".json"))


def rank_channels(net: Net, crops: LabelledCrops, knobs: Knobs) -> list[Tensor]:
    """How much each channel of each layer matters, first layer to hidden one: float[channels] a layer.

    First-order Taylor importance (Molchanov et al., Importance Estimation for Neural Network Pruning, 2019): the
    square of how the loss would change if the scale and offset of the channel's batch norm were 0, added up over
    batches. A hidden neuron has no batch norm; its weights and offset stand for them.
    """
    gates = [layer for layer in (*net.features, net.head[1]) if isinstance(layer, nn.BatchNorm2d | nn.Linear)]
    parameters = [part for gate in gates for part in (gate.weight, gate.bias)]
    device = parameters[0].device
    totals = [torch.zeros(len(gate.weight), device=device) for gate in gates]
    generator = torch.Generator().manual_seed(knobs.seed)
    order = torch.randperm(len(crops.labels), generator=generator).numpy()[:RANKING_CROPS]
    net.eval()
    for chosen in np.array_split(order, math.ceil(len(order) / knobs.batch)):
        columns = (crops.crops, crops.labels, crops.styles)
        pictures, labels, styles = (torch.from_numpy(column[chosen]).to(device) for column in columns)
        loss = fit.measure(net(distort(pictures[:, None].float() / 255, generator)), labels, styles, knobs)
        slopes = torch.autograd.grad(loss, parameters)
        changes = [
            (part.detach() * slope).view(len(part), -1).sum(1) for part, slope in zip(parameters, slopes, strict=True)
        ]
        totals = [
            total + (scale + offset) ** 2
            for total, scale, offset in zip(totals, changes[::2], changes[1::2], strict=True)
        ]
    return totals


def choose_channels(importance: Sequence[Tensor], keep: float) -> list[Tensor]:
    """Which channels stay, int64[kept] a layer, ascending: the same share of each layer, and at least one."""
    counts = [max(1, round(keep * len(layer))) for layer in importance]
    return [layer.topk(count).indices.sort().values.cpu() for layer, count in zip(importance, counts, strict=True)]


def shrink(net: Net, kept: Sequence[Tensor]) -> Net:
    """A smaller net that holds only those channels, their weights copied; `kept` is as `choose_channels` returns it."""
    *convolved, hidden = kept
    counts = [len(channels) for channels in convolved]
    turn = 1 + len(net.shape.first)
    smaller = Net(Shape(counts[0], tuple(counts[1:turn]), tuple(counts[turn:]), len(hidden)))
    weights = {name: tensor.cpu() for name, tensor in net.state_dict().items()}
    inside, outside = torch.arange(1), iter(convolved)
    channels = inside
    for i, layer in enumerate(net.features):
        if isinstance(layer, nn.Conv2d):
            channels = next(outside)
            weights[f"features.{i}.weight"] = weights[f"features.{i}.weight"][channels][:, inside]
            inside = channels
        elif isinstance(layer, nn.BatchNorm2d):
            for part in ("weight", "bias", "running_mean", "running_var"):
                weights[f"features.{i}.{part}"] = weights[f"features.{i}.{part}"][channels]
    cells = weights["head.1.weight"].view(net.shape.hidden, -1, CELLS)
    weights["head.1.weight"] = cells[hidden][:, inside].flatten(1)
    weights["head.1.bias"] = weights["head.1.bias"][hidden]
    weights["head.4.weight"] = weights["head.4.weight"][:, hidden]
    smaller.load_state_dict(weights)
    return smaller.eval()


def join(scout: Net, reader: Net) -> Cascade:
    """Two nets as one model; it shares their weights."""
    nets = Cascade(scout.shape, reader.shape)
    nets.scout, nets.reader = scout, reader
    nets.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return nets


def teach_nets(
    nets: Cascade, lessons: Sequence[Lessons], sets: fit.Sets, knobs: Knobs, bar: Progress
) -> tuple[Cascade, Scores]:
    """The averaged nets after some passes over lessons, and their errors on held-out writers."""
    parts = fit.equip(nets, knobs, len(lessons[0].crops))
    loss = math.nan
    for epoch in range(knobs.epochs):
        loss = learn_lessons(parts, lessons[epoch % len(lessons)], knobs, epoch, bar)
    return parts.settled, fit.validate(knobs.epochs - 1, loss, parts.settled, sets.mnist, sets.validation)


def measure(models: Sequence[Path], scores: Sequence[Scores]) -> list[Measured]:
    """Size, cost and time of models, with errors that are known already."""
    readers = [load_nets(path)[0].reader for path in models]
    times = time_crops(models)
    return [
        Measured(sum(p.numel() for p in net.parameters()), path.stat().st_size, multiply_adds(net.shape), took, score)
        for net, path, took, score in zip(readers, models, times, scores, strict=True)
    ]


def time_crops(models: Sequence[Path]) -> list[float]:
    """Microseconds that each model's large net takes for a crop on one thread, as `classify` runs it.

    Medians of interleaved rounds: what else the machine does meanwhile then slows all models alike.
    """
    readers = [load(path, "cpu").reader for path in models]
    torch.set_num_threads(1)
    crops = torch.rand(BATCH, 1, 28, 28).contiguous(memory_format=torch.channels_last)
    took = np.zeros((ROUNDS, len(readers)))
    with torch.inference_mode():
        for row in took:
            for i, reader in enumerate(readers):
                batch = crops.to(next(reader.parameters()).dtype)
                start = time.perf_counter()
                reader(batch)
                row[i] = time.perf_counter() - start
    return [float(seconds) * 1e6 / BATCH for seconds in np.median(took, 0)]


def render_pruned(pruned: Pruned) -> str:
    """What pruning changed, as a table."""
    pair = (pruned.before, pruned.after)
    rows = [
        ("", "before", "after"),
        ("parameters of the large net", *(f"{m.parameters:,}" for m in pair)),
        ("bytes of the file", *(f"{m.size:,}" for m in pair)),
        ("multiply-adds a crop", *(f"{m.multiply_adds:,}" for m in pair)),
        ("microseconds a crop, one thread", *(f"{m.microseconds:.1f}" for m in pair)),
        ("wrong: MNIST digits", *(f"{m.scores.mnist:.2%}" for m in pair)),
        ("wrong: composed digits", *(f"{m.scores.digits:.2%}" for m in pair)),
        ("rejects taken for digits", *(f"{m.scores.rejects:.2%}" for m in pair)),
        ("digits taken for rejects", *(f"{m.scores.refused:.2%}" for m in pair)),
        ("wrong: composed digits, small net", *(f"{m.scores.scout:.2%}" for m in pair)),
    ]
    return render_table(rows)
