"""Settings: reading, merging, and the words of every refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from sparsetime.config import Settings, assignments, merged, read_config, validated
from sparsetime.errors import ConfigError


class Inner(Settings):
    width: int = Field(default=64, gt=0)
    decay: float = 0.1


class Outer(Settings):
    rows: int
    batch: int = 32
    inner: Inner = Inner()
    several: tuple[Inner, ...] = ()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "run.yaml"

    def write(text):
        path.write_text(text)
        return path

    return write


def refusal(model, values):
    with pytest.raises(ConfigError) as caught:
        validated(model, values)
    return str(caught.value)


def test_file_and_overrides_meet_and_overrides_win(file):
    path = file("rows: 10\ninner: {width: 8}\n")
    settings = read_config(path, Outer, {"rows": 20, "inner.decay": 0.5, "batch": None})
    assert settings == Outer(rows=20, batch=32, inner=Inner(width=8, decay=0.5))


def test_a_section_of_a_file(file):
    path = file("train: {rows: 5}\nother: {x: 1}\n")
    assert read_config(path, Outer, section="train").rows == 5


def test_no_file_takes_all_from_the_overrides():
    assert read_config(None, Outer, {"rows": 3}, section="train").rows == 3


def test_a_missing_section_names_those_that_exist(file):
    path = file("train: {rows: 5}\ncapture: {}\n")
    with pytest.raises(ConfigError, match=r"has no section 'evaluate'; it holds capture, train\."):
        read_config(path, Outer, section="evaluate")


def test_a_missing_section_is_no_error_where_flags_say_all(file):
    assert read_config(file("other: {}\n"), Outer, {"rows": 4}, section="train").rows == 4


def test_a_key_with_its_section_before_it_is_named_without():
    """As in a file, where the section is written."""
    with pytest.raises(ConfigError, match=r"got the key 'outer\.rows', expected 'rows'"):
        read_config(None, Outer, {"outer.rows": 3}, section="outer")
    assert read_config(None, Outer, {"rows": 1, "inner.width": 3}, section="inner").inner.width == 3


def test_unknown_key_says_the_nearest():
    assert refusal(Outer, {"rows": 1, "btach": 2}) == (
        "the settings: unknown key 'btach'; did you mean 'batch'?"
    )


def test_unknown_key_in_a_group_looks_in_that_group():
    text = refusal(Outer, {"rows": 1, "inner": {"widht": 2}})
    assert text == "the settings: unknown key 'inner.widht'; did you mean 'width'?"
    text = refusal(Outer, {"rows": 1, "several": [{"deacy": 2}]})
    assert text == "the settings: unknown key 'several.0.deacy'; did you mean 'decay'?"


def test_unknown_key_far_from_all_lists_the_known():
    text = refusal(Outer, {"rows": 1, "inner": {"zzz": 2}})
    assert text == "the settings: unknown key 'inner.zzz'; known keys: decay, width."


def test_a_missing_key():
    assert refusal(Outer, {}) == "the settings: 'rows' is not given, and it has no default."


def test_a_value_of_the_wrong_kind_says_given_and_expected():
    text = refusal(Outer, {"rows": "many"})
    assert text.startswith("the settings: 'rows': got 'many', expected a valid integer")
    text = refusal(Outer, {"rows": 1, "inner": {"width": 0}})
    assert text == "the settings: 'inner.width': got 0, expected greater than 0."


def test_all_refusals_at_once():
    text = refusal(Outer, {"btach": 2})
    assert text.startswith("the settings: 2 problems\n")
    assert "'rows' is not given" in text
    assert "unknown key 'btach'" in text


def test_a_missing_file_says_the_nearest_one(file, tmp_path):
    file("rows: 1")
    with pytest.raises(ConfigError, match=r"rnu\.yaml' does not exist\. Did you mean '.*run\.yaml"):
        read_config(tmp_path / "rnu.yaml", Outer)


def test_bad_yaml_names_the_line(file):
    with pytest.raises(ConfigError, match=r"run\.yaml is not valid YAML at line 2: "):
        read_config(file("rows: 1\nbatch: ]\n"), Outer)


def test_a_file_that_is_no_mapping(file):
    with pytest.raises(ConfigError, match="got a list, expected keys with values"):
        read_config(file("- 1\n- 2\n"), Outer)


def test_a_file_that_is_not_text(file, tmp_path):
    (tmp_path / "run.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "run.yaml", Outer)


def test_a_dotted_override_into_a_plain_value():
    with pytest.raises(ConfigError, match="the group 'rows': got a int, expected keys with values"):
        merged({"rows": 1}, {"rows.x": 2})


def test_assignments_are_read_as_yaml():
    assert assignments(["a=1", "b.c=0.5", "d=[1, 2]", "e=word"]) == {
        "a": 1,
        "b.c": 0.5,
        "d": [1, 2],
        "e": "word",
    }


@pytest.mark.parametrize("text", ["a", "=1", ""])
def test_an_assignment_without_a_key_or_sign(text):
    with pytest.raises(ConfigError, match="not of the form key=value, such as batch=4096"):
        assignments([text])


def test_an_assignment_that_is_no_yaml():
    with pytest.raises(ConfigError, match=r"'\[1' is not a valid YAML value"):
        assignments(["a=[1"])


@given(st.dictionaries(st.sampled_from("abc"), st.integers() | st.none()))
def test_none_never_overrides(overrides):
    result = merged({"a": 1, "b": 2, "c": 3}, overrides)
    for key, before in {"a": 1, "b": 2, "c": 3}.items():
        assert result[key] == (before if overrides.get(key) is None else overrides[key])
