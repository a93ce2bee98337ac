"""What a training makes small, worked out by hand on small numbers."""

from __future__ import annotations

import math

import pytest
import torch

from docproc.train.loss import cross_entropy, distillation, focal, log_classes, log_joint, log_truth


def scores_of(*cells: dict[tuple[int, int], float]) -> torch.Tensor:
    """Logits under which these cells (style, class) have these chances, and the others share the rest."""
    rows = []
    for known in cells:
        rest = (1 - sum(known.values())) / (22 - len(known))
        rows.append([[math.log(known.get((style, label), rest)) for label in range(11)] for style in range(2)])
    return torch.tensor(rows)


def test_chances_are_of_style_and_class_together() -> None:
    scores = scores_of({(0, 7): 0.5, (1, 1): 0.3}) + 4.0
    joint = log_joint(scores).exp()
    assert float(joint.sum()) == pytest.approx(1)
    assert float(joint[0, 0, 7]) == pytest.approx(0.5)
    assert float(log_classes(scores).exp()[0, 1]) == pytest.approx(0.3 + 0.01)


def test_unknown_style_counts_both_and_a_known_one_only_itself() -> None:
    scores = scores_of(*[{(0, 1): 0.2, (1, 1): 0.5}] * 3)
    found = log_truth(scores, torch.tensor([1, 1, 1]), torch.tensor([-1, 0, 1])).exp()
    assert found.tolist() == pytest.approx([0.7, 0.2, 0.5])


def test_cross_entropy_smooths_over_all_cells() -> None:
    scores = scores_of({(0, 3): 0.79})
    label, style = torch.tensor([3]), torch.tensor([0])
    assert float(cross_entropy(scores, label, style, 0.0)) == pytest.approx(-math.log(0.79), rel=1e-5)
    even = (math.log(0.79) + 21 * math.log(0.01)) / 22
    smoothed = -(0.9 * math.log(0.79) + 0.1 * even)
    assert float(cross_entropy(scores, label, style, 0.1)) == pytest.approx(smoothed, rel=1e-5)


def test_focal_loss_forgives_what_is_sure() -> None:
    scores = scores_of({(0, 3): 0.8})
    label, style = torch.tensor([3]), torch.tensor([0])
    assert float(focal(scores, label, style, 2.0)) == pytest.approx(0.2**2 * -math.log(0.8), rel=1e-4)
    assert float(focal(scores, label, style, 0.0)) == pytest.approx(-math.log(0.8), rel=1e-4)


def test_distillation_is_nothing_among_equals_and_teaches_only_the_student() -> None:
    teacher = scores_of({(0, 3): 0.8}).requires_grad_(True)
    student = scores_of({(1, 3): 0.8}).requires_grad_(True)
    assert float(distillation(teacher.detach(), teacher)) == pytest.approx(0, abs=1e-6)
    loss = distillation(student, teacher)
    loss.backward()
    assert float(loss.detach()) > 0.5
    assert teacher.grad is None
    assert student.grad is not None
