"""sparsetime: the sparse structure of sequence models, found, measured and shown along time.

The public names are listed in `__init__.pyi` beside this file and imported when first used, so that
`import sparsetime` does not wait for torch.
"""

import os

import lazy_loader

__version__ = "0.1.0"

# torch and numba each keep a thread pool. A pool whose idle threads spin for long takes the cores
# from the other at every change between them; one whose threads sleep at once has to wake them for
# every kernel, which doubles the time of a small training step. So they spin for less than a
# millisecond. The settings must be made before either is loaded; GNU's runtime has the second.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "passive"
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
