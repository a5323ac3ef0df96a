"""HTTP Basic, as clients send it."""

from __future__ import annotations

from base64 import b64decode

from flask import request


def basic_login() -> tuple[str, str] | None:
    """Name and password of the request; None when it carries none that can be read.

    They are UTF-8, or Latin-1, which python-requests sends.
    """
    kind, _, encoded = request.headers.get("Authorization", "").strip().partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        login = b64decode(encoded.strip().encode("ascii"), validate=True)
    except ValueError:
        return None
    try:
        text = login.decode("utf-8")
    except UnicodeDecodeError:
        text = login.decode("latin-1")
    name, colon, password = text.partition(":")
    return (name, password) if colon else None
