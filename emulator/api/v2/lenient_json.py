"""JSON as people write it, made JSON by the letter [conventions §8].

What the service's parser lets pass: comments, names without quotes, and single quotes.
"""

from __future__ import annotations

import json
import re

# Every branch takes what it has begun, closed or not: the time stays linear, whatever is sent.
_TOKENS = re.compile(
    r"""
    (?P<double> "(?:[^"\\]|\\.)*+"?)
  | '(?P<single> (?:[^'\\]|\\.)*+)(?P<closed>'?)
  | (?P<comment> //[^\n\r]*+ | /\*[^*]*+(?:\*(?!/)[^*]*+)*+(?:\*/)?)
  | (?P<name> [A-Za-z_$][\w$]*+)(?P<colon>\s*+:)?
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTES = re.compile(r"\\.|\"", re.DOTALL)


def strict(text: str) -> str:
    """The same document in strict JSON; what is no JSON even so is left for the parser to refuse."""
    return _TOKENS.sub(_strict_token, text)


def _strict_token(found: re.Match[str]) -> str:
    if found["comment"] is not None:
        return " "
    single = found["single"]
    if single is not None and found["closed"]:
        if "\\" in single or '"' in single:
            single = _QUOTES.sub(_requote, single)
        return f'"{single}"'
    if found["colon"]:
        return json.dumps(found["name"]) + found["colon"]
    return found[0]


def _requote(found: re.Match[str]) -> str:
    return {'"': '\\"', "\\'": "'"}.get(found[0], found[0])
