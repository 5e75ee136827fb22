"""Other spaces than the activation's own: functions on a grid, and larger spaces."""
