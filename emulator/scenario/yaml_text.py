"""YAML as a small tree with line numbers; aliases, tags and a second document are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulator.scenario.mistakes import BadScenario, Mistake, quoted

LARGEST = 200_000
"""Most characters of a scenario."""
MOST_BYTES = 4 * LARGEST + 1
"""What is enough of a file to see that it is too large."""
_MOST_PARTS = 20_000
_DEEPEST = 16
_QUOTE_STAR = "; what begins with `*` goes in quotes"
_QUOTE_BANG = "; what begins with `!` goes in quotes"
_HINTS = {"scanning an alias": _QUOTE_STAR, "scanning a tag": _QUOTE_BANG}
"""What was probably meant where the reader of YAML gives up."""
_PLAIN_TAGS = ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as it was written; ``empty``: nothing was."""

    line: int
    text: str
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    line: int
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Fields:
    """Keys and values in their order; keys may be there twice."""

    line: int
    entries: tuple[tuple[Scalar, Tree], ...]


Tree = Scalar | Listed | Fields


def parse(text: str | bytes, source: str) -> Tree:
    """The one document of a text. Raises BadScenario."""
    decoded = _decode(text, source)
    if len(decoded) > LARGEST:
        raise BadScenario(source, [Mistake(1, f"a scenario has at most {LARGEST:,} characters")])
    import yaml  # not at start: most runs have no scenario

    # the same language, several times as quick, where the library was built with it
    loader_type: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        mistakes = list(_refused(yaml, loader_type, decoded))
        if mistakes:
            raise BadScenario(source, mistakes)
        loader = loader_type(decoded)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(filter(None, (error.context, error.problem)))
        hint = next((hint for about, hint in _HINTS.items() if about in said), "")
        raise BadScenario(
            source, [Mistake(mark.line + 1 if mark else 1, f"no YAML: {said}{hint}")]
        ) from error
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        line = decoded.count("\n", 0, position if isinstance(position, int) else 0) + 1
        raise BadScenario(source, [Mistake(line, f"no YAML: {str(error).splitlines()[0]}")]) from error
    if node is None:
        raise BadScenario(source, [Mistake(1, "there is nothing in it")])
    return _tree(node)


def _decode(text: str | bytes, source: str) -> str:
    if isinstance(text, str):
        return text.removeprefix("\ufeff")
    if len(text) >= MOST_BYTES:
        raise BadScenario(source, [Mistake(1, f"a scenario has at most {LARGEST:,} characters")])
    try:
        return text.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise BadScenario(source, [Mistake(line, "not UTF-8: save the file in that encoding")]) from error


def _refused(yaml: Any, loader_type: Any, text: str) -> Iterator[Mistake]:
    """Looks at the text part by part, so that nothing in it can grow: aliases, depth, tags, further documents."""
    depth = documents = 0
    for number, event in enumerate(yaml.parse(text, Loader=loader_type)):
        line = event.start_mark.line + 1
        if number > _MOST_PARTS:
            yield Mistake(line, f"more than {_MOST_PARTS:,} parts: too much for one scenario")
            return
        if isinstance(event, yaml.AliasEvent):
            yield Mistake(
                line,
                f"{quoted('*' + event.anchor)}: anchors and aliases are not understood here{_QUOTE_STAR}",
            )
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                yield Mistake(line, "a second document: one file is one scenario")
                return
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                yield Mistake(line, "nested too deeply")
                return
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if any("\ud800" <= letter <= "\udfff" for letter in getattr(event, "value", "")):
            yield Mistake(line, "half of a character that is written as two (a surrogate)")
        tag = getattr(event, "tag", None)
        if tag and tag != "!" and tag.removeprefix("tag:yaml.org,2002:") not in _PLAIN_TAGS:
            hint = "" if tag.startswith(("!!", "tag:")) else _QUOTE_BANG
            yield Mistake(line, f"{quoted(tag)}: tags are not understood here{hint}")


def _tree(node: Any) -> Tree:
    line = node.start_mark.line + 1
    if node.id == "sequence":
        return Listed(line, tuple(_tree(each) for each in node.value))
    if node.id == "mapping":
        return Fields(line, tuple((_key(key), _tree(value)) for key, value in node.value))
    return Scalar(line, node.value, empty=node.tag == "tag:yaml.org,2002:null")


def _key(node: Any) -> Scalar:
    shown = node.value if node.id == "scalar" else f"<{node.id}>"
    return Scalar(node.start_mark.line + 1, shown)
