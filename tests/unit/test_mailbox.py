"""The order of the built-in mailbox."""

from __future__ import annotations

from pathlib import Path

from emulator.domain.clock import ClockMode, ClockSetting
from emulator.domain.notification import Message
from emulator.engine.clocks import WorldClocks
from emulator.notify.mailbox import Mailbox
from emulator.settings import Settings
from tests.delivery_bench import Bench


def test_mails_of_one_moment_lie_in_the_order_they_came(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Settings())
    subscription = bench.subscribe("mailto:somebody@example.org")
    clocks = WorldClocks()
    clocks.of(subscription.world).begin(ClockSetting(mode=ClockMode.FROZEN))
    mailbox = Mailbox(tmp_path / "mails", clocks, "sender@example.org")
    ids = [f"{letter}-011" for letter in "zyxabc"]
    for number, delivery_id in enumerate(ids):
        message = Message(
            url="somebody@example.org", event="PENDING", body="", subject=f"mail {number}", text="text"
        )
        mailbox.send(subscription, message, delivery_id)
    assert [mail.id for mail in mailbox.mails(subscription.world)] == ids
