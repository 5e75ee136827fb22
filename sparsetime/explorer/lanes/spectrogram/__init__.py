"""Spectrogram of a sound over its waveform."""
