"""Rules of time: which entries or steps are computed again; changes, steps, a clock, spikes."""
