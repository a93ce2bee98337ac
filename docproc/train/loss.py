"""What a training makes small. Scores are logits float32[n, 2, 11] over styles and classes, as the networks give."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def log_joint(scores: Tensor) -> Tensor:
    """Logarithm of the chance of each style with each class, float[n, 2, 11]."""
    return F.log_softmax(scores.float().flatten(1), 1).view(scores.shape)


def log_classes(scores: Tensor) -> Tensor:
    """Logarithm of the chance of each class whatever the style, float[n, 11]."""
    return log_joint(scores).logsumexp(1)


def log_truth(scores: Tensor, labels: Tensor, styles: Tensor) -> Tensor:
    """Log chance of what is known of each crop: class and style, or the class alone where the style is -1; float[n]."""
    joint = log_joint(scores).gather(2, labels[:, None, None].expand(-1, 2, 1))[:, :, 0]
    known = joint.gather(1, styles.clamp(min=0)[:, None])[:, 0]
    return torch.where(styles >= 0, known, joint.logsumexp(1))


def cross_entropy(scores: Tensor, labels: Tensor, styles: Tensor, smoothing: float) -> Tensor:
    """Mean cross-entropy with smoothed labels (Szegedy et al., Rethinking the Inception Architecture, 2016)."""
    even = log_joint(scores).flatten(1).mean(1)
    return -((1 - smoothing) * log_truth(scores, labels, styles) + smoothing * even).mean()


def focal(scores: Tensor, labels: Tensor, styles: Tensor, gamma: float) -> Tensor:
    """Mean focal loss: what is already sure counts little (Lin et al., Focal Loss for Dense Object Detection, 2017)."""
    truth = log_truth(scores, labels, styles)
    return -((1 - truth.exp()) ** gamma * truth).mean()


def distillation(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean divergence of a small net's chances from a large one's (Hinton et al., Distilling the Knowledge, 2015)."""
    learned, wanted = log_joint(student).flatten(1), log_joint(teacher.detach()).flatten(1)
    return F.kl_div(learned, wanted, reduction="batchmean", log_target=True)
