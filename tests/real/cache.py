"""Where the checkout lies, and where the real components keep what is dear to make."""

from pathlib import Path

from emulator.cluster.cache import cache_directory, locked

__all__ = ["CHECKOUT", "cache_directory", "locked"]

CHECKOUT = Path(__file__).resolve().parents[2]
