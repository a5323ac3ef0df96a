"""The pytest plugin, as its users meet it: projects of their own, run by pytest in a process of its own."""

from __future__ import annotations

import pytest

from emulator.testing import OwnServer

pytestmark = pytest.mark.sample(2, of="module")

JOB = 'appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"}'


def test_a_server_of_the_sessions_own(project: pytest.Pytester) -> None:
    """One for all tests; its settings are the project's."""
    project.makeconftest("""
        import pytest

        @pytest.fixture(scope="session")
        def tapis_emulator_settings():
            return {"default_user": "student07", "token_lifetime": 60}
    """)
    project.makepyfile(f"""
        seen = set()

        def test_first(tapis_world, tapis_emulator):
            seen.add(tapis_emulator.url)
            job = tapis_world.submit({JOB})
            tapis_world.wait(job, "FINISHED")
            assert "predictions.txt" in job.outputs()
            assert job.output("predictions.txt").startswith(b"night sky")

        def test_second(tapis_world, tapis_emulator):
            assert seen == {{tapis_emulator.url}}
            assert not tapis_world.jobs
            assert tapis_emulator.default_world().session.expires_in == 60
    """)
    project.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_a_server_that_a_test_has_stopped_is_there_for_the_next(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest
        from emulator.testing import NoEmulator

        JOB = dict(appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"})

        @pytest.mark.tapis(simulated=True, scenario={"name": "stop", "rules": [
            {"at": "http.jobs.list", "do": "stop-emulator", "times": 1}]})
        def test_first(tapis_world):
            with pytest.raises(NoEmulator):
                tapis_world.call("GET", "jobs/v2")

        @pytest.mark.tapis(simulated=True)
        def test_second(tapis_world):
            tapis_world.wait(tapis_world.submit(**JOB))
    """)
    project.runpytest_subprocess().assert_outcomes(passed=2)


class TestNothingIsPaidForWhatIsNotUsed:
    def test_nothing_is_loaded(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            import sys

            def test_modules():
                ours = {name for name in sys.modules if name.split(".")[0] == "emulator"}
                assert ours == {"emulator", "emulator.pytest_plugin"}
        """)
        # coverage, assertion rewriting and other plugins aside: what a user's own run looks like
        project.runpytest_subprocess("--strict-markers").assert_outcomes(passed=1)

    def test_it_can_be_left_out(self, project: pytest.Pytester) -> None:
        project.makepyfile("def test_it(tapis_world): ...")
        run = project.runpytest_subprocess("-p", "no:tapis_emulator")
        run.assert_outcomes(errors=1)
        run.stdout.fnmatch_lines(["*fixture 'tapis_world' not found*"])


class TestMarker:
    def test_all_that_it_says(self, beside: pytest.Pytester) -> None:
        (beside.path / "storm.yaml").write_text(
            "name: storm\nrules: [{at: http.jobs.submit, do: {status: 503}, times: once}]\n", encoding="utf-8"
        )
        beside.makepyfile("""
            import pytest
            from emulator.testing import Refused

            pytestmark = pytest.mark.tapis(simulated=True)
            JOB = dict(appId="classifier-1.0.0", parameters={"imagefile": "pictures/night-sky.png"})

            @pytest.mark.tapis(scenario="storm.yaml", clock="frozen", seed=7)
            def test_the_closest_joins_the_others(tapis_world):
                with pytest.raises(Refused, match="503"):
                    tapis_world.submit(**JOB)
                assert tapis_world.clock.mode == "frozen"
                assert tapis_world.seed == 7
                job = tapis_world.submit(**JOB)
                tapis_world.clock.run_until(job)
                assert not [name for name in job.outputs() if "predictions" in name]

            @pytest.mark.tapis(clock=3600)
            def test_a_factor(tapis_world):
                assert tapis_world.clock.mode == "scaled"

            @pytest.mark.tapis(simulated=False)
            def test_the_closest_wins(tapis_world):
                job = tapis_world.submit(**JOB)
                assert "predictions.txt" in tapis_world.wait(job).outputs()
        """)
        beside.runpytest_subprocess().assert_outcomes(passed=3)

    def test_a_seed_folder(self, beside: pytest.Pytester, shared_server: OwnServer) -> None:
        with shared_server.world("to-be-pictured") as world:
            world.files.put("data/numbers.txt", "1 2 3")
            world.snapshot(beside.path / "seed")
        beside.makepyfile("""
            import pytest

            @pytest.mark.tapis(world="seed")
            def test_it(tapis_world):
                assert tapis_world.files.read("data/numbers.txt") == b"1 2 3"
                assert tapis_world.url != "" and "data" in tapis_world.files.list()
        """)
        beside.runpytest_subprocess().assert_outcomes(passed=1)

    def test_mistakes_are_told(self, beside: pytest.Pytester) -> None:
        told = {
            "clok='frozen'": "*tapis knows no 'clok'; it knows seed, scenario, clock, simulated, world*",
            "7": "*the marker tapis takes keywords only: seed, *",
            "clock='fast'": "*POST /_emulator/worlds: 400 clock*",
            "scenario='no-such-scenario'": "*POST /_emulator/worlds/*/scenarios: 4?? *no-such-scenario*",
            "scenario={'name': 'x', 'rules': [{'at': 'job.stagng', 'do': 'fail'}]}": "*job.staging_*",
            "scenario='no-such-file.yaml'": "*FileNotFoundError: *no-such-file.yaml*",
            "world='nowhere'": "*POST /_emulator/worlds: 400 *nowhere*",
        }
        tests = (
            f"@pytest.mark.tapis({mark})\ndef test_{number}(tapis_world): ..."
            for number, mark in enumerate(told)
        )
        beside.makepyfile("\n\n".join(["import pytest", *tests]))
        run = beside.runpytest_subprocess("--tb=short")
        run.assert_outcomes(errors=len(told))
        run.stdout.fnmatch_lines(list(told.values()))


def test_worlds_of_classes_and_modules(beside: pytest.Pytester) -> None:
    beside.makepyfile("""
        import pytest

        @pytest.fixture(scope="module")
        def world(request, tapis_world_factory):
            with tapis_world_factory(request, simulated=True) as world:
                yield world

        @pytest.fixture(scope="class")
        def own(request, tapis_world_factory):
            with tapis_world_factory(request) as world:
                yield world

        def test_one(world):
            world.files.put("here/kept.txt", "x")

        def test_two(world):
            assert world.files.list("here") == ["kept.txt"]

        class TestIt:
            def test_three(self, world, own, tapis_world):
                assert len({world.name, own.name, tapis_world.name}) == 3
                assert "here" not in own.files.list()
                own.files.put("here/mine.txt", "x")

            def test_four(self, own):
                assert own.files.list("here") == ["mine.txt"]

        def test_by_name(tapis_world_factory):
            world = tapis_world_factory("left open until the session ends")
            assert "left-open" in world.__enter__().name
    """)
    beside.runpytest_subprocess().assert_outcomes(passed=5)


class TestFailures:
    def test_the_report_tells_what_happened_and_how_to_repeat_it(self, beside: pytest.Pytester) -> None:
        beside.makepyfile(f"""
            import pytest

            RULE = {{"name": "no input", "at": "job.staged", "do": "fail"}}

            @pytest.mark.tapis(scenario={{"name": "x", "rules": [RULE]}})
            def test_it(tapis_world):
                tapis_world.call("GET", "apps/v2")
                failed = [tapis_world.wait(tapis_world.submit({JOB}), "FAILED") for _ in "ab"]
                tapis_world.wait(failed[0], "FINISHED")

            def test_refused(tapis_world):
                tapis_world.submit(appId="nobody-1.0")
        """)
        run = beside.runpytest_subprocess("--tapis-seed=11", "-n1")
        run.assert_outcomes(failed=2)
        run.stdout.fnmatch_lines(
            [
                "*JobEndedOtherwise: it never was FINISHED: job *-007 (*) is FAILED: *",
                "*tapis world *-test_it-*: jobs*",
                "job *-007 * is FAILED*",
                "*PENDING*Job processing beginning",
                "*tapis world *: scenario journal*",
                "*x: no input #1 at job.staged: fail*",
                "*tapis world *: last requests*",
                "*200  GET /apps/v2  (testuser)",
                "*201  POST /jobs/v2  (testuser)",
                "*tapis world *: to repeat it*",
                "--tapis-seed=11 *",
                "*Refused: POST /jobs/v2: 400 No app found*",
            ]
        )
        report, _, _summary = run.stdout.str().partition("short test summary info")  # which is longer in CI
        told = [line for line in report.splitlines() if "Job processing beginning" in line]
        assert len(told) == 2, "a job that the error tells of is not told again"
        run.stdout.no_fnmatch_line("*emulator/testing/*")  # traces end in the test

    def test_it_does_not_hide_the_failure_when_the_emulator_is_gone(self, project: pytest.Pytester) -> None:
        project.makepyfile("""
            def test_it(tapis_world, tapis_emulator):
                tapis_emulator._emulator.ways_in.stop()
                assert 1 == 2
        """)
        run = project.runpytest_subprocess()
        run.stdout.fnmatch_lines(["*assert 1 == 2*", "*: jobs*", "could not be asked: *"])

    def test_a_passing_test_says_nothing(self, beside: pytest.Pytester) -> None:
        beside.makepyfile("def test_it(tapis_world): ...")
        run = beside.runpytest_subprocess("-rA")
        run.assert_outcomes(passed=1)
        run.stdout.no_fnmatch_line("*tapis world*")

    def test_nobody_answers_at_the_url(self, project: pytest.Pytester) -> None:
        project.makepyfile("def test_it(tapis_world): ...")
        run = project.runpytest_subprocess("--tapis-url=http://127.0.0.1:1")
        run.assert_outcomes(errors=1)
        run.stdout.fnmatch_lines(["*NoEmulator: GET http://127.0.0.1:1/_emulator/health: *"])


def test_the_same_seed_gives_the_same_world(beside: pytest.Pytester) -> None:
    beside.makepyfile(f"""
        import pytest

        @pytest.mark.tapis(clock="frozen", simulated=True)
        def test_it(tapis_world):
            job = tapis_world.submit({JOB})
            tapis_world.clock.run_until(job)
            # numbers count the events of all worlds of the server
            history = [{{key: entry[key] for key in entry if key != "seq"}} for entry in job.history]
            print(f"SEEN {{job.id}} {{history}}")
    """)

    def seen(*options: str) -> list[str]:
        run = beside.runpytest_subprocess("-s", *options)
        run.assert_outcomes(passed=1)
        return [line for line in run.outlines if "SEEN" in line]

    first = seen("--tapis-seed=5")
    assert seen("--tapis-seed=5") == first
    assert seen("--tapis-seed=6") != first
