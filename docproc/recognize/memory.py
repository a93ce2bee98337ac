"""A net asked on a device that may run out of memory."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

from docproc.recognize.weights import choose_precision

T = TypeVar("T")


def ask_within_memory(
    ask: Callable[[nn.Module, str, int], T], net: nn.Module, device: str, size: int, size_on_cpu: int
) -> T:
    """What `ask(net, device, size)` gives, in batches halved down to one where they are too large, then on the CPU."""
    while True:
        # Where memory is short, the libraries of a graphics card fail in many ways, of which few have a name.
        short: type[RuntimeError] = torch.OutOfMemoryError if device == "cpu" else RuntimeError
        try:
            return ask(net, device, size)
        except short:
            if size == 1 and device == "cpu":
                raise
        if size > 1:
            size //= 2
        else:
            net, device, size = copy_to_cpu(net), "cpu", size_on_cpu


def place(net: nn.Module, device: str) -> nn.Module:
    """A net on a device in the precision it computes in, channels last.

    Where the device has no room it stays where it is: asked there it fails again, and is then asked on the CPU.
    """
    ready = net.to(choose_precision(device))
    try:
        return ready.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
    except RuntimeError:
        return ready


def copy_to_cpu(net: nn.Module) -> nn.Module:
    """A net's twin on the CPU; nothing is copied on its own device, which may have no room left."""
    tensors = (*net.parameters(), *net.buffers())
    twins = {id(one): _copy(one) for one in tensors}
    return deepcopy(net, twins).to(choose_precision("cpu"))


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    there = tensor.detach().cpu()
    return nn.Parameter(there, requires_grad=False) if isinstance(tensor, nn.Parameter) else there
