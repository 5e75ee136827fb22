"""sparsetime: the sparse structure of sequence models, found, measured and shown along time.

The public names are listed in `__init__.pyi` beside this file and imported when first used, so that
`import sparsetime` does not wait for torch.
"""

import os

import lazy_loader

__version__ = "0.1.0"

# torch and numba each keep a thread pool. A pool whose idle threads spin takes the cores from the
# other at every change between them. The setting must be made before either is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
