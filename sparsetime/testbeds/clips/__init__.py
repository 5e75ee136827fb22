"""Made video clips: moving shapes with their paths, flow, masks, captions and gestures."""
