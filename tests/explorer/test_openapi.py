"""The API called by its own description: whatever it allows is answered as it says."""

from __future__ import annotations

import hypothesis
import pytest
import schemathesis
from schemathesis.specs.openapi.checks import response_schema_conformance
from small_run import add_dictionary, prose, write_store

from sparsetime.explorer.server.access import LOCAL
from sparsetime.explorer.server.app import make_app
from sparsetime.explorer.workbench.workbench import Workbench

EXAMPLES = 12


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    store = write_store(folder / "activations", [prose(0, 20), prose(1, 20)])
    add_dictionary(folder, store, "batch_topk")
    app = make_app(Workbench(folder, model="/no/such/model"), LOCAL | {"testserver"})
    return schemathesis.openapi.from_asgi("/api/openapi.json", app)


def test_every_call_is_answered_as_described(schema):
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) >= 17
    statuses = []
    for operation in operations:

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def answered(case):
            if "key" in (case.path_parameters or {}) and len(statuses) % 2:
                case.path_parameters["key"] = "batch_topk"  # or none would ever get further
            response = case.call()
            statuses.append(response.status_code)
            assert response.status_code < 500, response.text
            if response.status_code == 200:
                case.validate_response(response, checks=[response_schema_conformance])
            elif response.status_code in (400, 404):
                assert response.json()["error"]

        answered()
    assert {200, 400, 404} <= set(statuses)
