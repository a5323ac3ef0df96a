"""What scenarios cost a request that none of them strikes at, beside a server without any gate."""

from __future__ import annotations

import http.client
import sys
import tempfile
import time
import timeit
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import requests

from benchmarks.figures import Table, median, ms, paired, percentile
from emulator.engine.armory import Armory
from emulator.engine.clocks import WorldClocks
from emulator.engine.gate import ScenarioGate
from emulator.engine.ids import WorldIds
from emulator.scenario.load import read_scenario
from emulator.scenario.points import Points
from emulator.store import Store
from tests.live.serve_process import COMMAND, ServeProcess
from tests.served import Api

_WITHOUT = (sys.executable, "-m", "benchmarks.without_gate")
_RULES = {
    "no gate at all": "",
    "nothing armed": "",
    "a rule for files armed": "{at: transfer.file, do: read-error}",
    "a rule for another request armed": "{at: http.apps.*, do: {status: 503}}",
    "a rule that counts the request armed": "{at: http.jobs.list, when: {nth: 1000000000}, do: {status: 503}}",
}
_PATH = "/jobs/v2?limit=1"


def run(quick: bool = False) -> Table:
    rounds = 50 if quick else 3000
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        asked = [Asked(stack, folder / str(number), *each) for number, each in enumerate(_RULES.items())]
        for number in range(rounds):
            # in turn, and each time another one first: what comes after what must not tell
            for place in range(len(asked)):
                asked[(place + number) % len(asked)].once()
    floor = asked[0].seconds
    rows = [
        [
            each.name,
            ms(median(each.seconds)),
            ms(percentile(each.seconds, 99)),
            "" if each is asked[0] else paired(each.seconds, floor),
        ]
        for each in asked
    ]
    return Table(
        title="A request with scenarios, and without any gate",
        columns=("server", "median", "99th percentile", "ratio"),
        rows=rows,
        notes=(
            f"GET {_PATH} with a token, {rounds:,} times each over kept-alive connections, the servers in turn; the "
            "ratio is the median of those of each round.",
            f"The question whether anything is armed, by itself: {_question():.0f} ns.",
            "The last rule writes a counter to the store at each request, so that a restart goes on where it was.",
        ),
    )


class Asked:
    """One server, and one connection to it with a token."""

    def __init__(self, stack: ExitStack, folder: Path, name: str, rule: str) -> None:
        self.name = name
        folder.mkdir()
        command = _WITHOUT if name == "no gate at all" else COMMAND
        # the patched program is a module of the checkout
        server = ServeProcess(
            folder,
            *("--port", "0", "--data-dir", str(folder / "data")),
            command=command,
            cwd=Path(__file__).parents[1],
        )
        stack.enter_context(server)
        if rule:
            text = f"name: bench\nrules:\n- {rule}\n"
            requests.post(
                f"{server.url}/_emulator/worlds/default/scenarios", data=text, timeout=60
            ).raise_for_status()
        address = urlsplit(server.url)
        self._headers = {"Authorization": f"Bearer {Api(server.url).token('testuser')}"}
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        self.seconds: list[float] = []
        for _ in range(20):  # fills caches
            self.once()
        self.seconds.clear()

    def once(self) -> None:
        began = time.perf_counter()
        self._connection.request("GET", _PATH, headers=self._headers)
        response = self._connection.getresponse()
        body = response.read()
        self.seconds.append(time.perf_counter() - began)
        if response.status != 200:
            raise AssertionError(f"GET {_PATH}: {response.status} {body[:500]!r}")


def _question() -> float:
    """Nanoseconds of ``armed`` while a thousand scenarios are armed in other worlds."""
    number = 200_000
    with tempfile.TemporaryDirectory() as folder:
        store = Store.at(Path(folder))
        clocks, ids = WorldClocks(), WorldIds()
        text = "name: n\nrules: [{at: http.jobs.list, do: hold}]"
        scenario = read_scenario(text, "n.yaml", Points({"jobs.list": ""}))
        armory = Armory(
            store=store, clocks=clocks, ids=ids, seed_of=ids.seed_of, read=lambda _text, _source: scenario
        )
        for world in range(1000):
            armory.arm(f"world-{world}", scenario, text)
        gate = ScenarioGate(store=store, clocks=clocks, armory=armory)
        best = min(timeit.repeat(lambda: gate.armed("default", "http"), number=number, repeat=5))
        bare = min(timeit.repeat(lambda: None, number=number, repeat=5))
        clocks.stop()
        store.close()
    return (best - bare) / number * 1e9
