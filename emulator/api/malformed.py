"""Answers that are no JSON, as clients meet them: cut off, badly written, a proxy's page, nothing at all."""

from __future__ import annotations

from flask import Response

WAYS = ("cut", "comma", "html", "empty")

_PAGE = (
    "<!DOCTYPE html>\n<html>\n<head><title>Proxy Error</title></head>\n<body>\n<h1>Proxy Error</h1>\n"
    "<p>The proxy server received an invalid response from an upstream server.</p>\n</body>\n</html>\n"
)


def as_is_told(response: Response, way: str, code: int | None) -> Response:
    """The answer in one of WAYS, as a well-formed message of HTTP; with the status ``code``, where one is given.

    ``cut`` and ``comma`` want JSON: what is none (a file) becomes the page. The page and nothing have status 200.
    """
    if way in ("cut", "comma") and not response.is_json:
        way = "html"
    if way in ("html", "empty"):
        response.close()
        content, kind = (_PAGE, "text/html; charset=UTF-8") if way == "html" else ("", response.content_type)
        found = Response(content, status=200, content_type=kind)
    else:
        text = response.get_data()
        found = response
        found.set_data(text[: len(text) // 2] if way == "cut" else _with_comma(text))
    if code is not None:
        found.status_code = code
    return found


def _with_comma(text: bytes) -> bytes:
    """A comma before the last bracket, or after what has none."""
    end = text.rstrip()[-1:]
    return text.rstrip()[:-1] + b"," + end if end in (b"}", b"]") else text + b","
