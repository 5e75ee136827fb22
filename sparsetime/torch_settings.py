"""Torch's global settings, held at known values while the package computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_AUTOCAST_DEVICES = ("cpu", "cuda")


@contextmanager
def float32_by_default() -> Iterator[None]:
    """New tensors are float32 on the CPU, and nothing is autocast, whatever the caller has set.

    The meta device is left as it is: who sets it wants shapes without values. The default dtype is
    a setting of the whole process, so it is touched only where the caller changed it.
    """
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        if torch.get_default_device().type not in ("cpu", "meta"):
            stack.enter_context(torch.device("cpu"))
        for device in _AUTOCAST_DEVICES:
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if dtype != torch.float32:
            torch.set_default_dtype(torch.float32)
            stack.callback(torch.set_default_dtype, dtype)
        yield


@contextmanager
def with_gradients() -> Iterator[None]:
    """`float32_by_default`, with gradients recorded, also where the caller turned them off."""
    with float32_by_default(), torch.inference_mode(False), torch.enable_grad():
        yield
