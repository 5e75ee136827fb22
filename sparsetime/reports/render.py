"""A page of one file: a template of the package, filled in."""

from __future__ import annotations

from importlib.resources import files
from typing import Any


def rendered(template: str, **values: Any) -> str:
    """The HTML of a template, with the reports' style sheet and the version beside the values.

    Text is escaped everywhere, unless it comes as markup; nothing is fetched.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    from sparsetime import __version__

    environment = Environment(
        loader=PackageLoader("sparsetime.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    css = Markup(asset("report.css"))
    return environment.get_template(template).render(css=css, version=__version__, **values)


def asset(name: str) -> str:
    """A script or a style sheet of the reports."""
    return (files("sparsetime.reports") / "assets" / name).read_text("utf-8")
