"""docs/campaign.md tells of the very cases that the campaign has."""

from tests.live.campaign.report import PAGE, named_cases
from tests.live.faults.cases import CASES
from tests.live.faults.strikes import FAULTS


def test_the_page_has_every_case_and_no_other() -> None:
    shown = named_cases(PAGE.read_text(encoding="utf-8"))
    wanted = {(case.backend, case.fault, case.step) for case in CASES}
    assert shown == wanted, "`make campaign` writes it anew"


def test_each_fault_and_each_backend_is_tried_in_every_test_run() -> None:
    quick = [case for case in CASES if case.quick]
    assert {case.backend for case in quick} == {case.backend for case in CASES}
    kinds = {case.fault.removesuffix(" unannounced") for case in quick}
    assert kinds >= {name.removesuffix(" unannounced") for name in FAULTS} - {
        "archive's disk full",
        "Docker engine stopped",
    }
    assert not any(case.fails for case in quick)
