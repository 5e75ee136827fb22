"""Progress where no terminal listens."""

from sparsetime import progress as module
from sparsetime.progress import progress, track


def test_a_log_gets_lines_that_say_how_far_and_how_long(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress("capture site", total=40, unit="tokens") as bar:
        now[0] += 15  # of which most was warming up: no pace is known yet
        bar.say("fvu 0.2")
        bar.advance(10)
        now[0] += 30
        bar.advance(20)
        now[0] += 15
        bar.advance(10)
    assert capsys.readouterr().err.splitlines() == [
        "capture site: 10 of 40 tokens, 15 s, fvu 0.2",
        "capture site: 30 of 40 tokens, 45 s, 15 s left, fvu 0.2",
        "capture site: 40 of 40 tokens, 60 s, fvu 0.2",
        "capture site: 40 of 40 tokens, 60 s, fvu 0.2",
    ]


def test_what_was_done_before_an_interruption_does_not_hasten_the_rest(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress("train", total=100, unit="rows") as bar:
        bar.advance(80)  # done in an earlier call
        now[0] += 10
        bar.advance(5)
        assert capsys.readouterr().err == "train: 85 of 100 rows, 10 s, 30 s left\n"
        bar.advance(15)


def test_nothing_done_is_no_progress_so_that_warming_up_does_not_slow_the_rest(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress("train", total=100, unit="rows") as bar:
        bar.advance(0)  # a training that does not resume
        now[0] += 300  # kernels are compiled in the first step
        bar.advance(10)
        assert capsys.readouterr().err == "train: 10 of 100 rows, 300 s\n"
        now[0] += 10
        bar.advance(10)
        assert capsys.readouterr().err == "train: 20 of 100 rows, 310 s, 80 s left\n"


def test_track_gives_every_item(capsys):
    assert list(track("abc", "read", total=3, unit="letters")) == ["a", "b", "c"]
    assert "read: 3 of 3 letters" in capsys.readouterr().err


def test_silence_when_asked(capsys):
    with progress("x", total=1, show=False) as bar:
        bar.advance()
    assert bar.done == 1
    assert capsys.readouterr().err == ""
