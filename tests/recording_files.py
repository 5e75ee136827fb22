"""Small recordings in files, each written by a test that reads it."""

import numpy as np

RATE = 100


def sine(samples=200, channels=1, rate=RATE):
    """Values [samples, channels]: channel c has c + 1 Hz."""
    time = np.arange(samples)[:, None] / rate
    return (0.5 * np.sin(2 * np.pi * time * (1 + np.arange(channels)))).astype(np.float32)


def write_wav(path, values=None, rate=RATE):
    import soundfile

    soundfile.write(path, sine() if values is None else values, rate, subtype="FLOAT")
    return path


def write_edf(path, channels=("Fp1", "Fp2"), rate=RATE, seconds=4, annotations=(), rates=None):
    """An EDF+ file in microvolts, with annotations (onset, duration, text)."""
    import datetime

    import edfio

    signals = [
        edfio.EdfSignal(
            100 * sine(seconds * own, n + 1, own)[:, n].astype(float),
            sampling_frequency=own,
            label=name,
            physical_dimension="uV",
            physical_range=(-100, 100),
        )
        for n, (name, own) in enumerate(zip(channels, rates or [rate] * len(channels), strict=True))
    ]
    edfio.Edf(
        signals,
        recording=edfio.Recording(startdate=datetime.date(2024, 3, 1)),
        starttime=datetime.time(9, 30, 0),
        annotations=[edfio.EdfAnnotation(*one) for one in annotations],
    ).write(path)
    return path


def write_brainvision(path, channels=("C3", "C4"), rate=RATE):
    """A BrainVision file (.vhdr, .eeg, .vmrk) in microvolts, with one marker at sample 50."""
    values = 100 * sine(channels=len(channels))
    path.with_suffix(".eeg").write_bytes(values.astype("<f4").tobytes())
    named = "\n".join(f"Ch{n + 1}={name},,1,µV" for n, name in enumerate(channels))
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={path.stem}.eeg\nMarkerFile={path.stem}.vmrk\nDataFormat=BINARY\n"
        f"DataOrientation=MULTIPLEXED\nNumberOfChannels={len(channels)}\n"
        f"SamplingInterval={1e6 / rate:g}\n[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n"
        f"[Channel Infos]\n{named}\n",
        encoding="utf-8",
    )
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={path.stem}.eeg\n[Marker Infos]\nMk1=Stimulus,S  1,51,1,0\n",
        encoding="utf-8",
    )
    return path


def write_fif(path, channels=("Fz", "Cz"), rate=RATE, first_sample=30):
    """A FIF file in volts that begins `first_sample` samples after the clock of its device."""
    import mne

    info = mne.create_info(list(channels), rate, "eeg", verbose="ERROR")
    values = 1e-4 * sine(channels=len(channels)).T
    raw = mne.io.RawArray(values.astype(float), info, first_samp=first_sample, verbose="ERROR")
    raw.set_meas_date(0)
    raw.set_annotations(mne.Annotations(0.5, 0.2, "tone"))
    raw.save(path, fmt="double", overwrite=True, verbose="ERROR")
    return path


def write_video(path, frames=12, rate=10, size=(32, 48)):
    """Frames whose red value is 20 times their number."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            pixels = np.full((*size, 3), (20 * number, 0, 0), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path
