"""Python files whose functions run for a row of activations, from capture to the timeline.

    python tools/files_of_a_row.py

Captures a small module, loads a dictionary, makes its index, and asks the explorer for a timeline.
All of it runs twice, and the second time is counted, so that imports are not. Prints the number of
files by stage and by room, and their names.
"""

from __future__ import annotations

import sys
import threading
import urllib.request
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import torch
from torch import nn

import sparsetime as st
from sparsetime import seeds

PACKAGE = Path(st.__file__).parent


class Stages:
    """Files by stage; what runs belongs to the stage that was named last."""

    def __init__(self) -> None:
        self.files: dict[str, set[str]] = {}
        self.stage = "inputs"

    def note(self, frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            found = self.files.setdefault(self.stage, set())
            found.add(path.relative_to(PACKAGE).as_posix())


def way(run: Path, stages: Stages) -> None:
    """A row's way: from a module to the picture of its active features."""
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh())
    values = torch.randn(3, 100, 2, generator=seeds.torch_generator(0, "random inputs"))
    stages.stage = "capture"
    store = st.capture(net, values, "1", run / "activations", progress=False)
    stages.stage = "save"
    st.dictionary("topk", d_in=8, width=32, k=4).save(run / "topk")
    stages.stage = "load"
    sae = st.load(run / "topk")
    stages.stage = "index"
    st.index(sae, store, out=run / "topk" / "features", progress=False)
    stages.stage = "timeline"
    explorer = st.explore(run, browser=False)
    urllib.request.urlopen(f"{explorer.url}api/dictionaries/topk/sequences/0/timeline").read()
    explorer.stop()


def main() -> None:
    stages = Stages()
    with TemporaryDirectory() as folder:
        way(Path(folder) / "first", Stages())
        threading.setprofile(stages.note)
        sys.setprofile(stages.note)
        way(Path(folder) / "second", stages)
        sys.setprofile(None)
        threading.setprofile(None)
    for unrelated in ("inputs", "save"):
        del stages.files[unrelated]
    every = set().union(*stages.files.values())
    for name, found in stages.files.items():
        print(f"{name}: {len(found)} files")
    print(f"all: {len(every)} files")
    rooms = Counter(path.split("/")[0] for path in every)
    print(", ".join(f"{room} {count}" for room, count in rooms.most_common()))
    print("\n".join(sorted(every)))


if __name__ == "__main__":
    main()
