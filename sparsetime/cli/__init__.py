"""The command line: one command a room, each driven by the same typed settings.

Nothing heavy is imported before a command runs: `sparsetime --help` answers at once.
"""

# Each module adds its commands to the app.
from sparsetime.cli import claim, leaderboard, look, many, show, work
from sparsetime.cli.app import app

__all__ = ["app", "claim", "leaderboard", "look", "many", "show", "work"]
