"""The host map as it is now: that of the settings, and the file in the data directory, which may change."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from emulator.domain.host_map import BadHostMap, Binding, HostMap, parse_host_map

log = logging.getLogger(__name__)

Mark = tuple[int, int, int] | None


class MapFile:
    """Bindings of ``first`` (the settings') win over those of the file, which is read again when it has changed."""

    def __init__(self, path: Path, first: HostMap) -> None:
        """Raises BadHostMap when the file cannot be understood; later mistakes are logged, and the last map holds."""
        self._path = path
        self._first = first
        self._lock = threading.Lock()
        self._mark = self._look()
        self._map = self._read()

    def find(self, name: str) -> Binding:
        """The binding of a host name now."""
        with self._lock:
            mark = self._look()
            if mark != self._mark:
                self._mark = mark
                try:
                    self._map = self._read()
                except BadHostMap as error:
                    log.error("the host map stays as it was: %s", error)
            return self._map.find(name)

    def _look(self) -> Mark:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> HostMap:
        if self._mark is None:
            return self._first
        import yaml

        try:
            document = yaml.safe_load(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeError, yaml.YAMLError) as error:
            raise BadHostMap(f"{self._path}: {error}") from error
        if not isinstance(document, dict) or set(document) - {"hosts"}:
            raise BadHostMap(f"{self._path}: expected a mapping with 'hosts' alone")
        return self._first.over(parse_host_map(document.get("hosts") or {}, f"{self._path}: hosts"))
