"""An execution system that is not ready for a job yet, but will be."""

from __future__ import annotations


class Preparing(OSError):
    """Not yet: something large is brought to the execution system first, such as a container image.

    Ask again when ``on_change`` is called, which it is as it comes nearer, and at the end. ``doing`` words it
    for people, ``source`` is what is brought; ``files`` and ``total`` bytes are 0 while they are not known.
    """

    def __init__(self, doing: str, *, source: str, files: int = 0, done: int = 0, total: int = 0) -> None:
        super().__init__(doing)
        self.doing = doing
        self.source = source
        self.files = files
        self.done = done
        self.total = total
