"""Public names of `st.monitors`, each imported when it is first used."""

from .alarm import Alarm as Alarm
from .monitor import Monitor as Monitor
from .monitor import open_monitor as open_monitor
from .watch import Watch as Watch
from .watch_recordings import watch_recordings as watch_recordings
