"""The series testbed's data: a clock without slips, gaps, windows that keep to their part."""

import numpy as np
import pytest

from sparsetime.errors import ConfigError, DataError
from sparsetime.testbeds.series import auckland as reading
from sparsetime.testbeds.series.auckland import Counts, counts, read_counts
from sparsetime.testbeds.series.labels import district, step_labels
from sparsetime.testbeds.series.settings import PatchTransformerSettings
from sparsetime.testbeds.series.windows import training_windows, windows

SMALL = PatchTransformerSettings(patch=3, patches=8)


def file_of(path, hours, dates, columns):
    names = ",".join(["date", "hour", "year", *columns])
    lines = [
        ",".join([dates[i], f"{hour}:00-{hour}:59", "2019", *(one[i] for one in columns.values())])
        for i, hour in enumerate(hours)
    ]
    path.write_text("\n".join([names, *lines]) + "\n")
    return path


def test_the_shipped_counts_are_seven_whole_years_on_one_clock():
    data = counts()
    assert data.values.shape == (61_368, 21) and len(data.sensors) == 21
    assert data.times[0] == np.datetime64("2019-01-01T06")
    assert data.times[-1] == np.datetime64("2026-01-01T05")
    seen = data.values[~data.held_out]
    assert np.allclose(np.nanmean(seen, axis=0), 0, atol=1e-4)
    assert np.allclose(np.nanstd(seen, axis=0), 1, atol=1e-4)


def test_the_hour_before_a_year_ends_is_busier_than_one_week_earlier():
    # People gather at midnight: were the clock off by a day's border, they would not be there.
    data = counts()
    for year in (2020, 2024):
        at = int((np.datetime64(f"{year}-01-01T00") - data.begins).astype(int))
        assert np.nanmean(data.values[at]) > np.nanmean(data.values[at - 168]) + 0.5


def test_streets_empty_when_the_alert_level_rises_to_four():
    data = counts()
    alert = np.array(step_labels(data.times)["alert"])
    busy = np.nanmean(data.values, axis=1)
    means = [busy[alert == level].mean() for level in range(5)]
    assert means[4] < means[3] < means[2] < means[1]


def test_hours_tell_the_time_where_dates_slip_and_short_gaps_are_filled(tmp_path):
    hours = [(6 + i) % 24 for i in range(48)]
    dates = ["2019-01-01"] * 23 + ["2019-01-02"] * 25
    first = [str(i) for i in range(48)]
    second = ["" if i in (3, 4, 5) or 20 <= i < 24 else "7" for i in range(48)]
    del hours[10], dates[10], first[10], second[10]  # an hour that the file lacks
    data = read_counts(file_of(tmp_path / "c.csv", hours, dates, {"a": first, "b": second}))
    assert len(data.values) == 48
    steps = np.diff(np.expm1(data.values[:, 0].astype(float) * 1.0))
    assert (steps > 0).all()
    missing = np.flatnonzero(np.isnan(data.values[:, 1]))
    assert missing.tolist() == [20, 21, 22, 23]


def test_files_of_other_times_and_a_missing_package_are_refused(tmp_path, monkeypatch):
    late = file_of(tmp_path / "c.csv", [7, 8], ["2019-01-01"] * 2, {"a": ["1", "2"]})
    with pytest.raises(DataError, match="other hours than 2019 to 2025 from 6:00 on"):
        read_counts(late)
    monkeypatch.setattr(reading, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'sparsetime\[demo\]' brings it"):
        reading.counts_file()


def test_windows_are_whole_and_of_one_part():
    begins = np.datetime64("2020-12-30T00", "h")  # 48 hours, then a year that is held out
    values = np.arange(48 + 60, dtype=np.float32)[:, None].repeat(2, axis=1)
    values[30, 1] = np.nan
    data = Counts(values, begins, ("a", "b"))
    found = list(windows(data, SMALL))
    assert [(w.sensor, w.held_out, int(w.values[0, 0])) for w in found] == [
        ("a", False, 0), ("a", False, 24), ("a", True, 48), ("a", True, 72),
        ("b", False, 0), ("b", True, 48), ("b", True, 72),
    ]  # fmt: skip
    assert found[1].times[1] == begins + 27
    assert found[0].values.shape == (8, 3)
    places = training_windows(data, SMALL.hours)
    assert {tuple(place) for place in places.tolist()} == {
        *((0, start) for start in range(25)), *((1, start) for start in range(7)),
    }  # fmt: skip


def test_labels_follow_the_calendar_and_the_record_of_the_lockdowns():
    times = np.array(
        ["2019-01-01T06", "2020-03-26T00", "2020-12-06T23", "2021-08-17T21", "2021-08-18T00"],
        dtype="datetime64[h]",
    )
    found = step_labels(times)
    assert found["hour"] == [6, 0, 23, 21, 0]
    assert found["weekday"] == ["Tuesday", "Thursday", "Sunday", "Tuesday", "Wednesday"]
    assert found["weekend"] == [False, False, True, False, False]
    assert found["season"] == ["summer", "autumn", "summer", "winter", "winter"]
    assert found["alert"] == [0, 4, 1, 1, 4]
    assert found["lockdown"] == [False, True, False, False, True]


def test_every_sensor_of_the_package_has_its_district():
    assert "elsewhere" not in {district(sensor) for sensor in counts().sensors}
    assert district("150 K Road") == "Karangahape Road"
    assert district("1 Nowhere Lane") == "elsewhere"
