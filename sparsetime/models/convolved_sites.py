"""Whether the tensor of a site is a feature map of a convolution, with features before places."""

from __future__ import annotations

from itertools import takewhile

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from sparsetime.models.sites import resolve_site


def is_convolved(model: nn.Module, name: str, shape: tuple[int, ...]) -> bool:
    """Whether the axis behind the first has the channels of the convolution before the site.

    That is the last module with weights up to the site, in the order in which modules are
    registered, which is the usual order of calls. Those that normalise channels count as none.
    shape: of the site's tensor; where its last axis has as many, it is not known and taken as no.
    """
    site = resolve_site(model, name)
    if site.layer is not None:
        return False
    path = (site.wrapped or site.path).removeprefix(".")
    named = list(model.named_modules())
    modules = [module for _, module in takewhile(lambda pair: pair[0] != path, named)]
    if site.side == "output":
        modules += [module for _, module in model.get_submodule(path).named_modules()]
    for module in reversed(modules):
        is_norm = isinstance(module, _NormBase | nn.GroupNorm)
        if not is_norm and next(module.parameters(recurse=False), None) is not None:
            channels = module.out_channels if isinstance(module, _ConvNd) else None
            return channels == shape[1] != shape[-1]
    return False
