"""Made speech: voices of a formant synthesiser, with the onset of every sound."""
