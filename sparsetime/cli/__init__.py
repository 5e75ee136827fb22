"""The command line: one file a command, each driven by the same typed settings.

Nothing heavy is imported before a command runs: `sparsetime --help` answers at once.
"""

from importlib import import_module

from sparsetime.cli.app import COMMANDS, app

__all__ = ["COMMANDS", "app"]

for _name in COMMANDS:
    # Registers its command on `app`; the file of needs-time is needs_time.py.
    import_module(f"sparsetime.cli.{_name.replace('-', '_')}")
