"""`python -m sparsetime`: the command line, as `torchrun -m sparsetime` starts it."""

from sparsetime.cli import app

app(prog_name="sparsetime")
