"""How ``/_emulator`` answers: plain JSON."""

from __future__ import annotations

import json
from typing import Any

from flask import Response


def answer(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document, ensure_ascii=False), status=status, content_type="application/json")
