"""Whatever is posted, the answer is a job or a refusal in the envelope, and a refusal leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.job_submit.conftest import APP_ID, CLUSTER, OTHER_STORAGE, STORAGE, Desk

texts = st.text(max_size=12) | st.sampled_from(
    [
        "..",
        "/",
        "../../../../x",
        "a\x00b",
        "${JOB_ID}",
        "${",
        "'; rm -rf /",
        "1GB",
        "00:10:00",
        STORAGE,
        OTHER_STORAGE,
        CLUSTER,
        "agave://",
        f"agave://{STORAGE}/../..",
        "http://localhost/files/v2/media/%00",
        "http://localhost/jobs/v2/x/outputs/media/..",
        "me@localhost",
        "*",
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**31, 2**63, 10**300, 1e308, -0.0])
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["picture", "model", "count", "verbose", "mode", "url", "event", "policy"])
            | texts,
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
fields = st.sampled_from(
    [
        "name",
        "appId",
        "batchQueue",
        "nodeCount",
        "processorsOnEachNode",
        "processorsPerNode",
        "memoryPerNode",
        "maxRunTime",
        "archive",
        "archiveOnAppError",
        "archiveSystem",
        "archivePath",
        "inputs",
        "parameters",
        "notifications",
        "dependencies",
    ]
)
good = {"name": "x", "appId": APP_ID}


@pytest.fixture(scope="module")
def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    yield made
    made.close()


def check(desk: Desk, **options: Any) -> None:
    before = desk.rows()
    response = desk.post(None, **options)
    assert response.mimetype == "application/json"
    document = response.json
    if response.status_code == 201:
        assert document["status"] == "success"
        assert desk.get(f"/jobs/v2/{document['result']['id']}")["status"] == "PENDING"
        return
    assert response.status_code in (400, 403), (response.status_code, document)
    assert document["status"] == "error" and document["message"].strip()
    assert desk.rows() == before


slowly = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(st.dictionaries(fields, values, max_size=4))
@slowly
def test_any_values_in_the_fields_of_a_request(shared_desk: Desk, changes: dict[str, Any]) -> None:
    check(shared_desk, data=json.dumps(good | changes), content_type="application/json")


@given(values)
@slowly
def test_any_json(shared_desk: Desk, document: Any) -> None:
    check(shared_desk, data=json.dumps(document), content_type="application/json")


@given(
    st.binary(max_size=40),
    st.sampled_from(
        ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
    ),
)
@slowly
def test_any_bytes(shared_desk: Desk, data: bytes, kind: str) -> None:
    check(shared_desk, data=data, content_type=kind)
