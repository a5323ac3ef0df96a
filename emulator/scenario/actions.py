"""What rules can do, from the catalog; and reading a rule's ``do``."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from typing import Any

from emulator.domain.fault import Action
from emulator.scenario import catalog, quantities
from emulator.scenario.catalog.kind import REQUIRED, ActionKind, Argument, Unit
from emulator.scenario.mistakes import either, listed, quoted, unknown
from emulator.scenario.points import PointKind
from emulator.scenario.reader import Reader
from emulator.scenario.yaml_text import Fields, Scalar, Tree

_EVERYWHERE = "everywhere"


def _text(text: str) -> str:
    return text


_PARSERS: dict[Unit, Callable[[str], Any]] = {
    Unit.TEXT: _text,
    Unit.NUMBER: quantities.whole,
    Unit.SHARE: quantities.share,
    Unit.DURATION: quantities.duration,
    Unit.SIZE: quantities.size,
    Unit.RATE: quantities.rate,
    Unit.FLAG: quantities.flag,
}


@cache
def kinds() -> tuple[ActionKind, ...]:
    """All actions, by family; those that can be done everywhere are the last."""
    names = [found.name for found in pkgutil.iter_modules(catalog.__path__) if found.name != "kind"]
    names.sort(key=lambda name: (name == _EVERYWHERE, name))
    return tuple(kind for name in names for kind in import_module(f"{catalog.__name__}.{name}").ACTIONS)


def makes_sense(kind: ActionKind, point: str) -> bool:
    return any(fnmatchcase(point, pattern) for pattern in kind.points)


def at_point(point: str) -> tuple[ActionKind, ...]:
    """What can be done at a point; of two with one name, what is special to the point."""
    found: dict[str, ActionKind] = {}
    for kind in kinds():
        if makes_sense(kind, point):
            found.setdefault(kind.name, kind)
    return tuple(found.values())


def read_action(reader: Reader, tree: Tree, points: Sequence[PointKind]) -> Action | None:
    """``do``: a word, or one key with its arguments. None, and a note, where that is no action at these points."""
    name, given = _split(reader, tree)
    kind = _find(reader, tree.line, name, points) if name else None
    if kind is None:
        return None
    arguments = _arguments(reader, tree.line, kind, given)
    if arguments is None:
        return None
    wrong = "" if kind.mistake is None else kind.mistake(arguments)
    if wrong:
        reader.note(tree.line, f"{quoted(kind.name)}: {wrong}")
    return Action(kind.name, arguments)


def _split(reader: Reader, tree: Tree) -> tuple[str, Tree | None]:
    if isinstance(tree, Fields) and len(tree.entries) == 1:
        key, value = tree.entries[0]
        return key.text, None if isinstance(value, Scalar) and value.empty else value
    if isinstance(tree, Scalar) and not tree.empty:
        return tree.text, None
    reader.note(tree.line, "`do` is one action: a word, or one key with its arguments, such as {delay: 30s}")
    return "", None


def _find(reader: Reader, line: int, name: str, points: Sequence[PointKind]) -> ActionKind | None:
    """The action of that name; it must be the same at all points."""
    known = dict.fromkeys(kind.name for kind in kinds())
    if name not in known:
        here = dict.fromkeys(kind.name for point in points for kind in at_point(point.name))
        reader.note(line, unknown("action", name, tuple(here or known)))
        return None
    found: dict[int, ActionKind] = {}
    for point in points:
        kind = next((each for each in at_point(point.name) if each.name == name), None)
        if kind is None:
            reader.note(line, _senseless(name, point.name))
            return None
        found[id(kind)] = kind
    if len(found) > 1:
        reader.note(line, f"{quoted(name)} is something else at each of these points: write a rule for each")
        return None
    return next(iter(found.values()), None)


def _senseless(name: str, point: str) -> str:
    where = dict.fromkeys(pattern for kind in kinds() if kind.name == name for pattern in kind.points)
    there = [kind.name for kind in at_point(point)]
    return (
        f"{quoted(name)} makes no sense at {quoted(point)}: it can be done at {either(tuple(where))};"
        f" what can be done there: {listed(there)}"
    )


def _arguments(reader: Reader, line: int, kind: ActionKind, given: Tree | None) -> dict[str, Any] | None:
    """All arguments of an action, those that were not given too; None, and a note, where one is wrong."""
    before = reader.noted
    what = quoted(kind.name)
    written: dict[str, tuple[int, Tree]] = {}
    if isinstance(given, Fields):
        written = reader.fields(given, f"the arguments of {what}", tuple(kind.args))
    elif given is not None and kind.main:
        written = {kind.main: (given.line, given)}
    elif given is not None:
        takes = f"its arguments by name: {listed(tuple(kind.args))}" if kind.args else "no arguments"
        reader.note(given.line, f"{what} takes {takes}")
        return None
    found: dict[str, Any] = {}
    for name, argument in kind.args.items():
        if name in written:
            found[name] = _argument(reader, written[name][1], f"`{name}` of {what}", argument)
        elif argument.default is REQUIRED:
            reader.note(line, f"{what} needs {quoted(name)}: {argument.text or argument.unit.value}")
        else:
            found[name] = argument.default
    return found if reader.noted == before else None


def _argument(reader: Reader, tree: Tree, what: str, argument: Argument) -> Any:
    def parse(text: str) -> Any:
        value = _PARSERS[argument.unit](text)
        if argument.choices and value not in argument.choices:
            raise ValueError(either([str(choice) for choice in argument.choices if choice != ""]))
        return value

    return reader.read(tree, what, parse, None)


def summary(kind: ActionKind) -> str:
    """How an action is written: ``{delay: {for: …}}``, ``read-error``."""
    if not kind.args:
        return kind.name
    return f"{{{kind.name}: {{{', '.join(f'{name}: …' for name in kind.args)}}}}}"


def of_family(points: Iterable[PointKind]) -> tuple[ActionKind, ...]:
    """What can be done at any of these points."""
    found = {id(kind): kind for point in points for kind in at_point(point.name)}
    return tuple(kind for kind in kinds() if id(kind) in found)
