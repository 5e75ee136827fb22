"""What the views of the explorer show, as functions that a script can call too."""
