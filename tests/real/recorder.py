"""What a receiver has received, in order, with a wait that needs no polling."""

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Recorder(Generic[Item]):
    """An append-only list shared by the thread that receives and the test that waits."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self._changed = threading.Condition()

    def add(self, item: Item) -> None:
        """Append ``item`` and wake whoever waits."""
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    @property
    def items(self) -> list[Item]:
        """A copy of all that has come so far, oldest first."""
        with self._changed:
            return list(self._items)

    def wait_for(self, count: int, timeout: float = 30.0) -> list[Item]:
        """All items as soon as there are at least ``count``.

        ``AssertionError`` after ``timeout`` seconds; its message shows what did come.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._items) >= count, timeout):
                came = "".join(f"\n  {item}" for item in self._items) or " nothing"
                raise AssertionError(
                    f"expected {count} within {timeout:g} s, received {len(self._items)}:{came}"
                )
            return list(self._items)
