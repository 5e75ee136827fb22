"""Readers of recordings: sound, EEG, video, tables, arrays, proteins."""

import importlib.util

import numpy as np
import pytest
import torch
from recording_files import (
    RATE,
    sine,
    write_brainvision,
    write_edf,
    write_fif,
    write_video,
    write_wav,
)

import sparsetime as st
from sparsetime.activations.readers.reader import READERS, known_formats
from sparsetime.errors import ConfigError, DataError, MismatchError, UnknownNameError


def only(recordings):
    (document,) = recordings
    return document


def test_sound_has_rate_and_channels(tmp_path):
    write_wav(tmp_path / "mono.wav")
    mono = only(st.read(tmp_path / "mono.wav"))
    assert (mono.id, mono.unit, mono.step) == ("mono", "second", 1 / RATE)
    assert mono.recording.rate == RATE
    assert torch.equal(mono.values[:, 0], torch.from_numpy(sine()[:, 0]))
    write_wav(tmp_path / "stereo.wav", sine(50, 2))
    stereo = only(st.read(str(tmp_path / "stereo.wav")))
    assert stereo.recording.channels == ("channel 1", "channel 2")
    assert torch.equal(stereo.values, torch.from_numpy(sine(50, 2)))


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_compressed_sound(tmp_path, suffix):
    import soundfile

    soundfile.write(tmp_path / f"x{suffix}", sine(4000, rate=8000), 8000)
    outline = st.read(tmp_path / f"x{suffix}").outlines[0]
    assert (outline.rate, outline.length) == (8000, 4000)
    assert torch.allclose(
        outline.document().values[:, 0], torch.from_numpy(sine(4000, rate=8000)[:, 0]), atol=0.05
    )


def test_edf_has_channels_date_and_annotations(tmp_path):
    path = write_edf(tmp_path / "s1.edf", annotations=[(1.0, 0.5, "tone"), (2.5, None, "blink")])
    document = only(st.read(path))
    facts = document.recording
    assert (facts.channels, facts.units, facts.rate) == (("Fp1", "Fp2"), ("V", "V"), RATE)
    assert facts.date.startswith("2024-03-01T09:30:00")
    assert np.allclose(document.values.numpy(), 1e-4 * sine(400, 2), atol=2e-9)
    assert list(document.events) == [
        {"onset": 1.0, "duration": 0.5, "trial_type": "tone"},
        {"onset": 2.5, "duration": 0.0, "trial_type": "blink"},
    ]
    one = only(st.read(path, channels=["Fp2"]))
    assert torch.equal(one.values[:, 0], document.values[:, 1])
    with pytest.raises(UnknownNameError, match=r"unknown channel of s1\.edf 'Fp3'"):
        st.read(path, channels=["Fp3"])


def test_only_volts_are_called_so(tmp_path):
    path = write_edf(tmp_path / "s1.edf", ("Fp1", "SaO2"))
    data = bytearray(path.read_bytes())
    unit = data.index(b"uV      " * 2) + 8
    data[unit : unit + 8] = b"%       "
    path.write_bytes(data)
    document = only(st.read(path))
    assert document.recording.units == ("V", "")
    assert np.allclose(document.values[:, 1].numpy(), 100 * sine(400, 2)[:, 1], atol=2e-3)


def test_brainvision_and_fif(tmp_path):
    vhdr = only(st.read(write_brainvision(tmp_path / "a.vhdr")))
    assert vhdr.recording.channels == ("C3", "C4")
    assert np.allclose(vhdr.values.numpy(), 1e-4 * sine(channels=2), atol=1e-9)
    assert vhdr.events[0]["onset"] == 0.5
    fif = only(st.read(write_fif(tmp_path / "b_raw.fif")))
    assert (fif.id, fif.recording.channels) == ("b_raw", ("Fz", "Cz"))
    assert np.allclose(fif.values.numpy(), 1e-4 * sine(channels=2), atol=1e-9)
    assert fif.events[0] == pytest.approx({"onset": 0.5, "duration": 0.2, "trial_type": "tone"})


def test_channels_of_lower_rates_are_named(tmp_path):
    path = write_edf(tmp_path / "mixed.edf", ("EEG", "Temp"), rates=(RATE, 10))
    with pytest.warns(UserWarning, match=r"mixed\.edf: Temp have fewer samples .* to 100 Hz"):
        st.read(path)


def test_video_gives_frames(tmp_path):
    path = write_video(tmp_path / "clip.mp4")
    document = only(st.read(path))
    assert list(document.values.shape) == [12, 32, 48, 3]
    assert document.values.dtype == torch.uint8
    red = document.values[..., 0].float().mean((1, 2))
    assert (red - 20 * torch.arange(12)).abs().max() < 8, "as lossy coding allows"
    assert (document.unit, document.recording.rate) == ("second", 10)
    small = only(st.read(path, size=(16, 24), every=3))
    assert list(small.values.shape) == [4, 16, 24, 3]
    assert small.recording.rate == pytest.approx(10 / 3)
    red = small.values[..., 0].float().mean((1, 2))
    assert (red - 20 * torch.tensor([0, 3, 6, 9])).abs().max() < 8


def test_a_segment_of_a_video_is_that_of_the_whole(tmp_path):
    from sparsetime.activations.readers.video import VideoFrames

    frames = VideoFrames(str(write_video(tmp_path / "clip.mkv", frames=40)), {})
    whole = frames[0:40]
    assert np.array_equal(frames[33:37], whole[33:37])


def test_a_table_has_channels_times_and_step_labels(tmp_path):
    path = tmp_path / "gait.csv"
    path.write_text("time,x,y,activity\n" + "".join(f"{t / 50},{t},1,walk\n" for t in range(6)))
    document = only(st.read(path))
    assert document.recording.channels == ("x", "y")
    assert document.values[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert document.step == pytest.approx(0.02)
    assert document.step_labels["activity"] == ["walk"] * 6
    assert only(st.read(path, columns=["y"], unit="s")).recording.rate == pytest.approx(50)


@pytest.mark.parametrize(
    ("times", "unit", "rate"),
    [
        (["0.0", "0.5"], "second", 2),
        (["0", "20"], "second", 0.05),
        (["3", "4"], "step", None),
        (["1.5", "2.5"], "second", 1),
    ],
)
def test_times_without_a_unit_are_seconds_unless_they_count_steps(tmp_path, times, unit, rate):
    (tmp_path / "x.csv").write_text("time,x\n" + "".join(f"{time},1\n" for time in times))
    document = only(st.read(tmp_path / "x.csv"))
    assert (document.unit, document.recording.rate) == (unit, rate)
    in_years = only(st.read(tmp_path / "x.csv", unit="year"))
    assert (in_years.unit, in_years.recording.rate) == ("year", None)
    assert only(st.read(tmp_path / "x.csv", rate=10)).recording.rate == 10


def test_a_recording_of_one_row_has_the_clock_of_the_others(tmp_path):
    (tmp_path / "x.csv").write_text("id,time,x\na,7,1\nb,0,1\nb,0.02,2\n")
    found = list(st.read(tmp_path / "x.csv"))
    assert [(d.start, d.step, d.unit) for d in found] == [(7, 0.02, "second"), (0, 0.02, "second")]


def test_a_table_with_ids_holds_several_recordings(tmp_path):
    (tmp_path / "all.tsv").write_text("id\tx\na\t1\na\t2\n07\t3\n")
    found = list(st.read(tmp_path / "all.tsv", rate=20))
    assert [(d.id, d.values[:, 0].tolist(), d.unit) for d in found] == [
        ("a", [1, 2], "second"),
        ("07", [3], "second"),
    ]


def test_dates_of_a_table_are_seconds(tmp_path):
    (tmp_path / "log.csv").write_text(
        "time,x\n" + "".join(f"2024-01-01 00:00:{10 * n:02d},{n}\n" for n in range(4))
    )
    document = only(st.read(tmp_path / "log.csv"))
    assert (document.step, document.unit, document.start) == (10, "second", 0)
    assert document.recording.date.startswith("2024-01-01T00:00:00")


def test_texts_of_a_table(tmp_path):
    (tmp_path / "notes.csv").write_text("id,text,lang\nn1,Hello there,en\nn2,Salut,fr\n")
    found = list(st.read(tmp_path / "notes.csv"))
    assert [(d.id, d.text, d.labels) for d in found] == [
        ("n1", "Hello there", {"lang": "en"}),
        ("n2", "Salut", {"lang": "fr"}),
    ]


def test_fasta_as_texts_and_as_tokens(tmp_path):
    (tmp_path / "p.fasta").write_text(">sp1 a kinase\nACD\nEF\n>sp2\nGA\n")
    texts = list(st.read(tmp_path / "p.fasta"))
    assert [(d.id, d.text, d.labels) for d in texts] == [
        ("sp1", "ACDEF", {"description": "a kinase"}),
        ("sp2", "GA", {}),
    ]
    tokens = list(st.read(tmp_path / "p.fasta", alphabet="ACDEFG"))
    assert tokens[1].tokens.tolist() == [5, 0]
    assert tokens[1].step_labels == {"residue": ["G", "A"]}


def test_arrays_of_numpy(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 2)))
    assert only(st.read(tmp_path / "a.npy", rate=10)).step == 0.1
    np.savez(tmp_path / "b.npz", one=np.ones(3), two=np.zeros((2, 5, 5, 3), dtype=np.uint8))
    one, two = st.read(tmp_path / "b.npz")
    assert (one.id, two.id, two.values.dtype) == ("b/one", "b/two", torch.uint8)


def test_arrays_of_hdf5_and_zarr(tmp_path):
    import h5py
    import zarr

    with h5py.File(tmp_path / "x.h5", "w") as file:
        array = file.create_dataset("eeg/run1", data=sine(30, 2))
        array.attrs.update({"sampling_rate": 250.0, "channels": ["L", "R"], "units": ["uV", "uV"]})
        file.create_dataset("names", data=[b"a"])
    document = only(st.read(tmp_path / "x.h5"))
    assert (document.id, document.recording.rate) == ("x", 250)
    assert (document.recording.channels, document.recording.units) == (("L", "R"), ("uV", "uV"))
    assert torch.equal(document.values, torch.from_numpy(sine(30, 2)))
    group = zarr.open_group(tmp_path / "y.zarr", mode="w")
    group.create_array("a", data=sine(20, 3))
    group.create_array("b", data=sine(10, 3))
    assert [(d.id, len(d)) for d in st.read(tmp_path / "y.zarr")] == [("y/a", 20), ("y/b", 10)]
    assert only(st.read(tmp_path / "y.zarr", dataset="b")).id == "y"
    with pytest.raises(UnknownNameError, match=r"unknown array of y\.zarr 'c'"):
        st.read(tmp_path / "y.zarr", dataset="c")


def test_folders_and_globs_are_read_in_order(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        write_wav(tmp_path / name / "take.wav")
    (tmp_path / "notes.txt").write_text("not a recording")
    found = st.read(tmp_path)
    assert [d.id for d in found] == [str(tmp_path / n / "take.wav") for n in "ab"], (
        "names are alike"
    )
    assert len(st.read(str(tmp_path / "*" / "*.wav"))) == 2
    assert [d.id for d in found] == [d.id for d in found], "can be iterated again"


def write(path, text):
    path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
    return path


TABLE = "time,x\n0,1\n1,2\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "time,x\n0,1\n2,1\n1,1\n", r"a\.csv, row 3 is at 1, and the row above it at 2"),
        ("a.csv", "time,x\n0,1\n1,1\n2,1\n9,1\n", r"a\.csv, row 4 is 7 after the row above it"),
        ("a.csv", "x,y\n0,1\n1,\n", r"a\.csv, row 2 has no number as 'y', as 1 of 2 rows"),
        ("a.csv", "id,x\na,1\nb,2\na,3\n", r"a\.csv, row 3 is of 'a' again, after rows of others"),
        ("a.csv", "x\n", r"a\.csv has no rows"),
        ("a.csv", "name\nann\n", r"no column of numbers"),
        ("a.csv", "id,text\nn,hi\nm,\n", r"a\.csv, row 2 has no text"),
        ("a.fasta", "ACD\n", r"a\.fasta, line 1 has a sequence without a header"),
        ("a.fasta", ">x\n>y\nAC\n", r"a\.fasta, line 1 has a header without a sequence"),
        ("a.fasta", ">x\nA\n>x\nC\n", r"line 3 has the id 'x' again"),
        ("a.fasta", "", r"a\.fasta holds no recording"),
        ("a.wav", b"RIFF0000WAVEnothing", r"a\.wav cannot be read as sound"),
        ("a.edf", b"0       nothing", r"a\.edf is damaged: its header is no EDF header"),
        ("a.vhdr", "nothing", r"a\.vhdr cannot be read as a recording"),
        ("a.mp4", b"nothing", r"a\.mp4 cannot be read as a video"),
        ("a.npy", b"nothing", r"a\.npy is not a NumPy array file"),
        ("a.h5", b"nothing", r"a\.h5 cannot be read as HDF5"),
        ("a.parquet", b"nothing", r"a\.parquet cannot be read as a table"),
        ("a.xyz", "nothing", r"a\.xyz, whose format is not known\. Read are .*sparsetime\[audio\]"),
    ],
)
def test_bad_files_are_named(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        st.read(write(tmp_path / name, content))


def test_files_that_end_early_are_named(tmp_path):
    edf = write_edf(tmp_path / "cut.edf")
    edf.write_bytes(edf.read_bytes()[:-300])
    with pytest.raises(DataError, match=r"cut\.edf ends early: its header counts 4 records"):
        st.read(edf)
    sound = write_wav(tmp_path / "empty.wav", sine(0))
    with pytest.raises(DataError, match=r"empty\.wav holds no samples"):
        st.read(sound)
    video = write_video(tmp_path / "cut.mkv")
    video.write_bytes(video.read_bytes()[: 1 << 9])
    with pytest.raises(DataError, match=r"cut\.mkv (has no video frames|cannot be read)"):
        st.read(video)


def test_a_file_of_sound_alone_has_no_frames(tmp_path):
    import av

    with av.open(str(tmp_path / "voice.mkv"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(DataError, match=r"voice\.mkv has no video frames"):
        st.read(tmp_path / "voice.mkv")


def test_channels_renamed_between_files_are_named(tmp_path):
    write_edf(tmp_path / "s1.edf", ("Fp1", "Fp2"))
    write_edf(tmp_path / "s2.edf", ("Fp1", "FP2"))
    with pytest.raises(MismatchError, match=r"'s2' has the channel 'FP2', the first one, 's1'"):
        st.read(tmp_path)
    write_wav(tmp_path / "a.wav")
    write_wav(tmp_path / "b.wav", rate=2 * RATE)
    with pytest.raises(MismatchError, match="a sampling rate of 200 Hz"):
        st.read(str(tmp_path / "*.wav"))
    assert len(st.read(str(tmp_path / "*.wav"), mixed_rates=True)) == 2


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    path = write_wav(tmp_path / "a.wav")
    with pytest.raises(UnknownNameError, match="unknown option of audio files 'channels'"):
        st.read(path, channels=["x"])
    with pytest.raises(DataError, match=r"is no file\. Read are"):
        st.read(tmp_path / "*.flac")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is a folder without files that are read"):
        st.read(tmp_path / "empty")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "sparsetime.activations.readers.reader.find_spec",
        lambda name: None if name == "soundfile" else find(name),
    )
    with pytest.raises(ConfigError, match=r'pip install "sparsetime\[audio\]"'):
        st.read(path)


def test_every_reader_has_suffixes_of_its_own_and_its_extra_exists():
    import tomllib
    from pathlib import Path

    suffixes = [s for one in READERS.values() for s in one.suffixes]
    assert len(suffixes) == len(set(suffixes))
    root = Path(st.__file__).parent.parent
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for one in READERS.values():
        assert one.package == "" or one.package in str(extras[one.extra])
    assert all(suffix in known_formats() for suffix in suffixes)


def test_no_extra_brings_a_torch_of_its_own():
    from importlib.metadata import requires
    from pathlib import Path
    from re import match

    pins = (Path(st.__file__).parent.parent / "constraints.txt").read_text().lower()
    assert not {"torchaudio", "torchvision"} & {line.partition("==")[0] for line in pins.split()}
    seen, queue = set(), [one.package for one in READERS.values() if one.package]
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            needs = [text for text in requires(name) or () if "extra ==" not in text]
            queue += [match(r"[\w.-]+", text)[0] for text in needs if "sys_platform" not in text]
    assert len(seen) > 10
    assert not {name for name in seen if name.startswith("torch")}


def test_numbers_beside_the_named_channels_are_step_labels(tmp_path):
    """Such as a mark of anomalies, which a model is not to read."""
    (tmp_path / "walk.csv").write_text("time,x,y,anomaly\n0,1,2,0\n0.5,3,4,1\n1,5,6,1\n")
    (document,) = st.read(tmp_path / "walk.csv", columns=["y", "x"])
    assert document.values.tolist() == [[2, 1], [4, 3], [6, 5]]
    assert document.step_labels == {"anomaly": [0, 1, 1]} and document.step == 0.5
    (given,) = st.read(tmp_path / "walk.csv", columns=["x"], rate=2.0)
    assert list(given.step_labels) == ["y", "anomaly"]
