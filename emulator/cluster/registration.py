"""The cluster's lines in the host map file: put in, found and taken out, all else in the file left as it was.

::

    hosts:
      # begin: tapis-emulator hpc --name tapis-emulator-hpc
      stampede2.tacc.example.org:
        ssh: 127.0.0.1:2222
        …
      # end: tapis-emulator hpc --name tapis-emulator-hpc
      other.example.org: ssh://me@other.example.org
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from emulator.cluster.cache import cache_directory, locked


def _marks(name: str) -> tuple[str, str]:
    """What stands before and after the lines of one cluster."""
    return f"# begin: tapis-emulator hpc --name {name}", f"# end: tapis-emulator hpc --name {name}"


class CannotRegister(Exception):
    """The file cannot be understood, or says something else of a host; the message names file and host."""


class HostMapFile:
    """``<data directory>/hosts.yaml``; the running server sees a change by itself."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check_free(self, name: str, hosts: Iterable[str]) -> None:
        """Raises :class:`CannotRegister` when somebody else's line has one of the hosts."""
        others = {each.lower(): target for each, target in self._document(self._without(name)).items()}
        for host in hosts:
            if host.lower() in others:
                raise CannotRegister(
                    f"{self._path} has a line for {host} already ({_shown(others[host.lower()])}); "
                    "remove it, or name other hosts with --host"
                )

    def register(self, name: str, hosts: Iterable[str], target: Mapping[str, str]) -> None:
        """Map the hosts to a target, in place of what the same name had before. Raises :class:`CannotRegister`."""
        hosts = list(hosts)
        with locked(cache_directory() / "hpc-hosts.lock"):
            self.check_free(name, hosts)
            rest = self._without(name)
            expected = self._document(rest) | {host: dict(target) for host in hosts}
            for start in (rest, _plain(self._document(rest))):
                text = _inserted(start, name, hosts, target)
                if _parsed(text) == {"hosts": expected}:
                    break
            else:
                raise CannotRegister(f"{self._path} has a form that nothing can be added to")
            self._write(text)

    def unregister(self, name: str) -> list[str]:
        """Take the name's lines out; the answer is its hosts. A file that has nothing else goes."""
        with locked(cache_directory() / "hpc-hosts.lock"):
            hosts = list(self.registered(name))
            if self._text() == (rest := self._without(name)):
                return []
            if rest.strip() in ("", "hosts:"):
                self._path.unlink()
            elif self._document(rest):
                self._write(rest)
            else:  # comments alone: a mapping without a value would be none
                self._write(re.sub(r"(?m)^hosts:[ \t]*(?=#|$)", "hosts: {} ", rest, count=1))
            return hosts

    def registered(self, name: str) -> dict[str, Any]:
        """The name's hosts, with what each is mapped to."""
        found = self._document(self._text())
        others = self._document(self._without(name))
        return {host: target for host, target in found.items() if host not in others}

    def _without(self, name: str) -> str:
        begin, end = _marks(name)
        lines, inside = [], False
        for line in self._text().splitlines(keepends=True):
            inside = inside or line.strip() == begin
            if not inside:
                lines.append(line)
            inside = inside and line.strip() != end
        if inside:
            raise CannotRegister(f"{self._path} has a line {begin!r}, but none {end!r}")
        return "".join(lines)

    def _text(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeError) as error:
            raise CannotRegister(f"{self._path}: {error}") from error

    def _document(self, text: str) -> dict[str, Any]:
        found = _parsed(text, str(self._path)) or {}
        hosts = found.get("hosts") or {} if isinstance(found, dict) else None
        if not isinstance(hosts, dict) or set(found) - {"hosts"}:
            raise CannotRegister(f"{self._path}: expected a mapping with 'hosts' alone")
        return {str(host): target for host, target in hosts.items()}

    def _write(self, text: str) -> None:
        target = self._path.resolve()  # a link stays one
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.new")
        draft.write_text(text, encoding="utf-8")
        if target.exists():
            draft.chmod(target.stat().st_mode & 0o777)
        draft.replace(target)


def _inserted(text: str, name: str, hosts: list[str], target: Mapping[str, str]) -> str:
    """The text with a marked block under ``hosts:``, in the indentation of the lines that are there."""
    head = re.search(r"(?m)^hosts:[ \t]*(#.*)?$", text)
    if head is None:
        text = f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}hosts:\n"
        head = re.search(r"(?m)^hosts:[ \t]*$", text)
        assert head is not None
    before, after = text[: head.end()], text[head.end() :].removeprefix("\n")
    line = next((line for line in after.splitlines() if line.strip() and line.strip()[0] != "#"), "")
    indent = line[: len(line) - len(line.lstrip(" "))] or "  "
    begin, end = _marks(name)
    block = [begin]
    for host in hosts:
        block += [f"{_quoted(host)}:", *(f"  {key}: {_quoted(value)}" for key, value in target.items())]
    block.append(end)
    return f"{before}\n{''.join(f'{indent}{each}{chr(10)}' for each in block)}{after}"


def _plain(document: Mapping[str, Any]) -> str:
    """A file of other people's entries, written anew: for forms (``hosts: {a: b}``) that no line can be added to."""
    import yaml

    return yaml.safe_dump({"hosts": dict(document)}, sort_keys=False, allow_unicode=True) if document else ""


def _parsed(text: str, source: str = "") -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CannotRegister(f"{source}: {error}") from error


def _quoted(text: str) -> str:
    """A text as YAML writes it on one line."""
    import yaml

    return str(yaml.safe_dump(text, default_flow_style=True, allow_unicode=True, width=10**6)).split("\n")[0]


def _shown(target: Any) -> str:
    return target if isinstance(target, str) else str(target.get("ssh")) if isinstance(target, dict) else "?"
