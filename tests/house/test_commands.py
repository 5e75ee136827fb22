"""Every command of the command line has a file of its own, named as the command."""

from pathlib import Path

import pytest
import typer

import sparsetime.cli
from sparsetime.cli import COMMANDS, app

FOLDER = Path(sparsetime.cli.__file__).parent
SHARED = {
    *("__init__", "app", "options", "run_file"),
    *("excluded_steps", "model_argument", "model_on_data", "input_files", "steering_arguments"),
}


def test_files_are_commands_or_shared():
    assert {path.stem for path in FOLDER.glob("*.py")} == SHARED | {
        name.replace("-", "_") for name in COMMANDS
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_holds_the_command_of_its_name_alone(name):
    registered = typer.main.get_command(app).commands
    assert set(registered) == set(COMMANDS)
    assert registered[name].callback.__module__ == f"sparsetime.cli.{name.replace('-', '_')}"
