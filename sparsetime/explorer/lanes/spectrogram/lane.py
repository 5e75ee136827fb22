"""Spectrogram of a sound over its waveform."""

from __future__ import annotations

from sparsetime.explorer.manifests import Lane
from sparsetime.explorer.workbench.spectrogram import spectrogram

LANE = Lane(title="Spectrogram", order=5, place="above", answer=spectrogram)
