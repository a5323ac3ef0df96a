"""Fixtures for all tests; the real components behind them live in ``tests/real``."""

from collections.abc import Iterator

import pytest

from tests.real.smtp_sink import SmtpSink
from tests.real.webhook_sink import WebhookSink


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A listening mail server that keeps what it is sent."""
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def webhook_sink() -> Iterator[WebhookSink]:
    """A listening HTTP receiver that keeps what it is sent."""
    with WebhookSink() as sink:
        yield sink
