"""Progress where no terminal listens."""

from sparsetime import progress as module
from sparsetime.progress import progress, track


def test_a_log_gets_lines_that_say_how_far_and_how_long(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress("capture site", total=40, unit="tokens") as bar:
        now[0] += 15
        bar.say("fvu 0.2")
        bar.advance(10)
        now[0] += 45
        bar.advance(30)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "capture site: 10 of 40 tokens, 15 s, 45 s left, fvu 0.2"
    assert lines[-1] == "capture site: 40 of 40 tokens, 60 s, fvu 0.2"


def test_track_gives_every_item(capsys):
    assert list(track("abc", "read", total=3, unit="letters")) == ["a", "b", "c"]
    assert "read: 3 of 3 letters" in capsys.readouterr().err


def test_silence_when_asked(capsys):
    with progress("x", total=1, show=False) as bar:
        bar.advance()
    assert bar.done == 1
    assert capsys.readouterr().err == ""
