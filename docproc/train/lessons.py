"""Crops with what larger nets, or several, say of them: what a smaller net learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn

from docproc.recognize.classifier import Classifier
from docproc.recognize.net import CLASSES
from docproc.train import fit
from docproc.train.augment import distort
from docproc.train.cache import compose_once
from docproc.train.crops import LabelledCrops
from docproc.train.draw_alone import crop_alone
from docproc.train.fit import Knobs
from docproc.train.loss import log_joint
from docproc.train.variants import vary
from docproc.types import STYLES, Crops

VARIANTS = 2
"""How often each crop is distorted and looked at; a look costs more than what is learned from it."""
BELIEVED, BELIEVED_ALONE = 0.75, 0.4
"""How much of a lesson is the teachers' opinion, the rest what is known of the crop. Of a glyph drawn alone it is
known for sure; what a lattice cut out may be labelled a digit and be none to anybody."""
FEW = 512
"""Crops that are looked at together."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """uint8[n, 28, 28] crops, and float16[n, 2, 11], the chances that a net should give each style and class."""

    crops: Crops
    wanted: NDArray[np.float16]


def gather_lessons(
    data: Path, out: Path, teachers: Sequence[Classifier], composed: LabelledCrops, knobs: Knobs, bar: Progress
) -> list[Lessons]:
    """The lessons of each variant of the crops and of glyphs drawn alone, kept in `out` for the next time."""
    names = "-".join(teacher.digest[:8] for teacher in teachers)
    drawn = cache(partial(crop_alone, data))

    def make(variant: int) -> Mapping[str, Any]:
        sets = ((composed, BELIEVED), (drawn(), BELIEVED_ALONE))
        parts = [teach(teachers, crops, believed, 100 + variant, knobs.smoothing, bar) for crops, believed in sets]
        return {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("crops", "wanted")}

    def gather(variant: int) -> Lessons:
        kind = f"lessons-{names}-{variant}"
        return Lessons(**compose_once(data, out, kind, knobs.fields, knobs.seed, False, partial(make, variant)))

    return [gather(variant) for variant in range(min(VARIANTS, knobs.epochs))]


def teach(
    teachers: Sequence[Classifier], known: LabelledCrops, believed: float, seed: int, smoothing: float, bar: Progress
) -> Lessons:
    """Distort crops, ask all teachers about each as it is and leaned either way, and weigh that against its label."""
    generator = torch.Generator().manual_seed(seed)
    crops = np.empty_like(known.crops)
    wanted = np.empty((len(crops), len(STYLES), CLASSES), np.float16)
    task = bar.add_task("asking the teachers", total=len(crops))
    for start in range(0, len(crops), FEW):
        part = slice(start, start + FEW)
        drawn = distort(torch.from_numpy(known.crops[part])[:, None].float() / 255, generator)[:, 0]
        crops[part] = (drawn.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
        looks = (crops[part], *vary(crops[part]))
        told = np.mean([teacher.ask_reader(look) for look in looks for teacher in teachers], axis=0)
        truth = tell_truth(told, known.labels[part], known.styles[part], smoothing)
        wanted[part] = believed * told + (1 - believed) * truth
        bar.advance(task, len(drawn))
    return Lessons(crops, wanted)


def tell_truth(
    told: NDArray[np.float32], labels: NDArray[np.int64], styles: NDArray[np.int64], smoothing: float
) -> NDArray[np.float32]:
    """The labels as chances, smoothed, float32[n, 2, 11]; where the style is not known, it is as teachers have told."""
    rows = np.arange(len(labels))
    share = told[rows, :, labels] + 1e-4
    share /= share.sum(1, keepdims=True)
    share[styles >= 0] = np.eye(len(STYLES))[styles[styles >= 0]]
    truth = np.full(told.shape, smoothing / (len(STYLES) * CLASSES), np.float32)
    truth[rows, :, labels] += (1 - smoothing) * share
    return truth


def learn_lessons(parts: fit.Parts, lessons: Lessons, knobs: Knobs, epoch: int, bar: Progress) -> float:
    """One pass over lessons, of both nets; returns the mean divergence of the large one from what is wanted."""
    nets = parts.nets
    device = next(nets.parameters()).device

    def lose(chosen: NDArray[np.int64], _: torch.Generator) -> tuple[Tensor, Tensor]:
        pictures = torch.from_numpy(lessons.crops[chosen]).to(device)[:, None].float() / 255
        wanted = torch.from_numpy(lessons.wanted[chosen].astype(np.float32)).to(device)
        with fit.mix_precision(device):
            scores, scouted = nets.reader(pictures), nets.scout(pictures)
        loss = diverge(scores, wanted)
        return loss, loss + 0.5 * diverge(scouted, wanted)

    return fit.take_epoch(parts, len(lessons.crops), lose, knobs, epoch, bar)


def diverge(scores: Tensor, wanted: Tensor) -> Tensor:
    """Mean divergence of what logits say from chances, both float[n, 2, 11] (Hinton et al., Distilling, 2015)."""
    wanted = wanted / wanted.sum((1, 2), keepdim=True)
    return nn.functional.kl_div(log_joint(scores).flatten(1), wanted.flatten(1), reduction="batchmean")
