"""Schedules of masks: at once, gradual, regrowth, refreshing, swaps; one file each."""
