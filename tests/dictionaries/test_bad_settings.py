"""Errors of every registered component for a setting out of range, and settings of 0.1.0."""

import math
import re

import pytest

import sparsetime as st
from sparsetime.component_settings import parameters_of
from sparsetime.dictionaries.legacy_config import current_config
from sparsetime.dictionaries.objectives import MSE
from sparsetime.errors import ConfigError
from sparsetime.registry import ROLES, components_of, recipes

SIZES = {"d_in": 8, "d_out": 8, "width": 16}
# A threshold may lie below the mean importance: any finite spread is right.
ANY_SIGN = {("temporal_mask", "spread")}
# The name of a part within a part is looked up: its error lists the known names.
TAUGHT = re.compile(r"got .*, expected |^unknown .*: (known: |did you mean )")
recipes()  # imports every base class, so that every role is declared
SETTINGS = [
    (role, kind, name)
    for role in sorted(ROLES)
    for kind, component in components_of(role).items()
    for name in parameters_of(component)
]


def config_of(role, kind):
    component = components_of(role)[kind]
    sizes = {name: size for name, size in SIZES.items() if name in parameters_of(component)}
    return {**sizes, **component.example, "kind": kind}


def build(role, config):
    return components_of(role)[config["kind"]].from_config(config)


@pytest.mark.parametrize(("role", "kind", "name"), SETTINGS)
def test_a_bad_setting_is_an_error_with_the_expected_values(role, kind, name):
    config = config_of(role, kind)
    build(role, config)
    bad_values = [math.nan, "many"] if (kind, name) in ANY_SIGN else [-1, math.nan, "many"]
    for value in bad_values:
        with pytest.raises(ConfigError, match=TAUGHT):
            build(role, {**config, name: value})


def test_a_negative_weight_of_a_term_is_an_error_without_a_config_too():
    with pytest.raises(ConfigError, match=r"got weight=-1, expected at least 0"):
        MSE(weight=-1)


@pytest.mark.parametrize(
    ("kind", "settings", "present"),
    [
        ("batch_top_k", {"k": 4, "memory": 0.5}, {"k": 4, "ema_decay": 0.5}),
        ("feature_choice", {"k": 4, "memory": 0.5}, {"k": 4, "threshold_decay": 0.5}),
    ],
)
def test_an_averaging_factor_of_0_1_0_is_read_under_its_present_name(kind, settings, present):
    saved = {"kind": kind, **settings}
    wrapped = {"kind": "hysteresis", "width": 16, "inner": saved, "low": 0.5}
    assert current_config({"sparsifier": saved})["sparsifier"] == {"kind": kind, **present}
    assert current_config({"sparsifier": wrapped})["sparsifier"]["inner"] == {
        "kind": kind,
        **present,
    }


def test_the_former_name_of_an_averaging_factor_is_an_error_in_a_new_composition():
    with pytest.raises(
        ConfigError, match=r"setting of sparsifier 'batch_top_k' 'memory': did you mean 'ema_decay'"
    ):
        st.compose(
            sparsifier={"kind": "batch_top_k", "k": 4, "memory": 0.5},
            objective=["mse"],
            d_in=8,
            width=16,
        )
