"""Clip: the frames of a made video, and everything that is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from jaxtyping import Float, UInt8

from sparsetime.activations.capture.document import Document
from sparsetime.activations.capture.recording import Recording

#: Frames a second.
RATE = 10.0


@final
@dataclass(frozen=True)
class MovingShape:
    """One object. shape: "circle", "square" or "triangle". motion: its kind of path."""

    shape: str
    colour: str
    radius: float
    motion: str


@final
@dataclass(frozen=True, eq=False)
class Clip:
    """A video with its truth.

    frames: uint8 [frames, height, width, 3]. objects: from the back to the front. paths: float32
    [objects, frames, 2], centres (x, y) in pixels. masks: uint8 [frames, height, width], the number
    of the object seen there, from 1 on; 0 is the background. flow: float32 [frames - 1, height,
    width, 2], by how many pixels what is seen there moves to the next frame. caption: a sentence.
    odd: the object that moves against the others, None without one. gesture: names of its strokes
    in order, empty without one. strokes: the first frame of each.
    """

    id: str
    frames: UInt8[np.ndarray, "frames height width 3"]
    objects: tuple[MovingShape, ...]
    paths: Float[np.ndarray, "objects frames 2"]
    masks: UInt8[np.ndarray, "frames height width"]
    flow: Float[np.ndarray, "frames_less_1 height width 2"]
    caption: str
    odd: int | None = None
    gesture: tuple[str, ...] = ()
    strokes: tuple[int, ...] = ()

    @property
    def document(self) -> Document:
        """The frames as data of a capture, between 0 and 1, with labels of the clip.

        Of a clip with one object, the labels of frames are its place: `x` and `y` in pixels.
        """
        first = self.objects[0]
        labels: dict[str, Any] = {"caption": self.caption, "objects": len(self.objects)}
        steps: dict[str, Any] = {}
        if len(self.objects) == 1:
            labels |= {"shape": first.shape, "colour": first.colour, "motion": first.motion}
            steps = {"x": self.paths[0, :, 0], "y": self.paths[0, :, 1]}
        if self.gesture:
            labels["gesture"] = " then ".join(self.gesture)
        if self.odd is not None:
            labels["odd"] = f"{self.objects[self.odd].colour} {self.objects[self.odd].shape}"
        return Document(
            self.id,
            values=self.frames.astype(np.float32) / 255,
            labels=labels,
            step_labels=steps,
            recording=Recording(rate=RATE),
            source="made clips",
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """The strokes of a gesture as rows of an events table."""
        ends = [*self.strokes[1:], len(self.frames)]
        return [
            {
                "id": self.id,
                "onset": begin / RATE,
                "duration": (end - begin) / RATE,
                "trial_type": name,
            }
            for name, begin, end in zip(self.gesture, self.strokes, ends, strict=True)
        ]
