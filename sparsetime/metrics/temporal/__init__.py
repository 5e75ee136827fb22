"""Temporal metrics: functions of a code and the lengths of its sequences, one file each."""
