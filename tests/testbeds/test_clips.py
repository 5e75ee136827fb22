"""Made clips: paths, masks, flow and captions say what the frames show."""

import numpy as np
import pytest

from sparsetime.errors import ConfigError
from sparsetime.testbeds import clips, gesture_clips
from sparsetime.testbeds.clips.generate import COLOURS


@pytest.fixture(scope="module")
def scenes():
    return clips(6, frames=12) + clips(4, frames=12, objects=4)


@pytest.fixture(scope="module")
def gestures():
    return gesture_clips(24, frames=12)


def test_clips_are_a_function_of_the_seed_and_their_number(scenes):
    again = clips(2, frames=12)
    for one, other in zip(again, scenes, strict=False):
        assert np.array_equal(one.frames, other.frames) and one.caption == other.caption
    assert not np.array_equal(scenes[0].frames, clips(1, frames=12, seed=1)[0].frames)


def test_masks_are_where_the_colours_are(scenes):
    for clip in scenes:
        for number, one in enumerate(clip.objects, 1):
            seen = clip.frames[clip.masks == number].astype(float)
            if len(seen):
                assert np.abs(seen.mean(0) - COLOURS[one.colour]).max() < 6
        assert clip.frames[clip.masks == 0].mean() < 40


def test_paths_are_the_centres_of_masks(scenes):
    for clip in scenes[:6]:
        for frame, mask in enumerate(clip.masks):
            rows, columns = np.nonzero(mask)
            if len(rows) and clip.objects[0].shape != "triangle":
                centre = np.array([columns.mean(), rows.mean()]) + 0.5
                assert np.abs(centre - clip.paths[0, frame]).max() < 1.0


def test_flow_moves_a_mask_onto_the_next(scenes):
    for clip in scenes[:6]:
        for frame in range(len(clip.flow)):
            step = clip.paths[0, frame + 1] - clip.paths[0, frame]
            assert np.allclose(clip.flow[frame][clip.masks[frame] == 1], step, atol=1e-5)
            assert not clip.flow[frame][clip.masks[frame] == 0].any()


def test_the_odd_mover_alone_moves_against_the_others(scenes):
    for clip in scenes[6:]:
        motions = [one.motion for one in clip.objects]
        assert motions.count(motions[clip.odd]) == 1
        assert len(set(motions)) == 2
        assert clip.document.labels["odd"].startswith(clip.objects[clip.odd].colour)
    assert all(clip.odd is None for clip in scenes[:6])


def test_frames_of_one_object_have_its_place_as_labels(scenes):
    labels = scenes[0].document.step_labels
    assert np.array_equal(np.stack([labels["x"], labels["y"]], axis=1), scenes[0].paths[0])
    assert not scenes[6].document.step_labels


def test_captions_name_every_object(scenes):
    for clip in scenes:
        assert clip.caption.count(",") == len(clip.objects) - 1
        for one in clip.objects:
            assert f"a {one.colour} {one.shape} " in clip.caption


def test_only_the_order_of_frames_says_which_gesture_it_was(gestures):
    by_gesture = {clip.gesture: clip for clip in gestures}
    assert len(by_gesture) == 12
    radius = {clip.gesture: clip.objects[0].radius for clip in gestures}
    for (first, second), clip in by_gesture.items():
        other = by_gesture[second, first]
        scale = [16 - radius[one.gesture] for one in (clip, other)]
        ours, theirs = (
            (one.paths[0] - 16) / s for one, s in zip((clip, other), scale, strict=True)
        )
        half = len(ours) // 2
        assert np.allclose(np.concatenate([ours[half:], ours[:half]]), theirs, atol=1e-4)
        assert np.allclose(ours[:half], ours[:half][::-1], atol=1e-4)  # out and back
    events = gestures[0].events
    assert [event["trial_type"] for event in events] == list(gestures[0].gesture)
    assert [event["onset"] for event in events] == [0.0, 0.6]
    assert gestures[0].document.labels["gesture"] == " then ".join(gestures[0].gesture)


def test_settings_out_of_range():
    with pytest.raises(ConfigError, match="got count=0, frames=24, size=32, objects=1; expected"):
        clips(0)
