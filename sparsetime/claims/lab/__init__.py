"""The lab: data, trainings and measures for the checks of claims."""
