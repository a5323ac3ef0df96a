"""Imports of job outputs by their URL, wherever the outputs lie just now [files §6.2]."""

from __future__ import annotations

import pytest

from tests.contract.files.conftest import OTHER, Bench, ended, reason, start_import, tree
from tests.live.own_app import register_cluster, register_script
from tests.served import Api

SCRIPT = "mkdir -p results/deep\necho one > results/one.txt\necho two > results/deep/two.txt\n"


@pytest.fixture(scope="module", params=[True, False], ids=["archived", "in the work directory"])
def job(api: Api, request: pytest.FixtureRequest) -> str:
    cluster = f"outputs.{'archived' if request.param else 'kept'}"
    register_cluster(api, cluster)
    app = register_script(api, f"outputs-{request.param}".lower(), cluster, SCRIPT)
    body = {"name": "outputs", "appId": app, "archive": request.param}
    job_id: str = api.call("POST", "jobs/v2", json=body)["id"]
    assert api.wait_for_job(job_id) == "FINISHED"
    return job_id


def url(bench: Bench, job_id: str, path: str, word: str = "outputs") -> str:
    return f"http://localhost:{bench.port}/jobs/v2/{job_id}/{word}/media/{path}"


def test_a_file_and_a_folder(bench: Bench, private: str, job: str) -> None:
    record = start_import(bench, private, url(bench, job, "results/one.txt"))
    assert (record["name"], ended(bench, record)[-1]["status"]) == ("one.txt", "STAGING_COMPLETED")
    record = start_import(bench, private, url(bench, job, "results/deep/two.txt", "ouputs"))
    assert ended(bench, record)[-1]["status"] == "STAGING_COMPLETED"
    record = start_import(bench, private, url(bench, job, "results"), fileName="all")
    assert ended(bench, record)[-1]["status"] == "STAGING_COMPLETED"
    assert tree(bench.real(private, "/home")) == {
        "one.txt": "one\n",
        "two.txt": "two\n",
        "all": "/",
        "all/one.txt": "one\n",
        "all/deep": "/",
        "all/deep/two.txt": "two\n",
    }


def test_what_is_not_there_or_lies_outside(bench: Bench, private: str, job: str) -> None:
    for number, path in enumerate(("nope", "../nope", "results/%2e%2e/%2e%2e/nope", "results/one.txt/x")):
        record = start_import(bench, private, url(bench, job, path), fileName=f"x{number}")
        assert reason(bench, record).endswith("does not exist.")


def test_only_for_who_may_read_the_job(bench: Bench, public: str, api: Api, job: str) -> None:
    where = f"{public}/{OTHER}"
    record = start_import(bench, where, url(bench, job, "results/one.txt"), OTHER)
    assert "User does not have permission to view this resource." in reason(bench, record, OTHER)
    api.call("POST", f"jobs/v2/{job}/pems", json={"username": OTHER, "permission": "READ"})
    record = start_import(bench, where, url(bench, job, "results/one.txt"), OTHER, fileName="allowed")
    assert ended(bench, record, OTHER)[-1]["status"] == "STAGING_COMPLETED"
    assert bench.real(public, f"/home/{OTHER}/allowed").read_text() == "one\n"


def test_of_a_hidden_job_there_is_nothing(bench: Bench, private: str, api: Api, job: str) -> None:
    api.call("POST", f"jobs/v2/{job}/hide")
    try:
        record = start_import(bench, private, url(bench, job, "results/one.txt"))
        assert f"No job found with job id {job}" in reason(bench, record)
    finally:
        api.call("POST", f"jobs/v2/{job}/unhide")
