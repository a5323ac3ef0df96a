"""Requests whose bodies are read whole, or refused."""

from __future__ import annotations

from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge


class WholeBodies(Request):
    """Flask's requests, but for bodies without a length (chunked): Werkzeug cuts those off at the limit."""

    def get_data(self, *args: Any, **options: Any) -> Any:
        """See Werkzeug's. Raises RequestEntityTooLarge for a chunked body that is as long as may be, or longer."""
        data = super().get_data(*args, **options)
        limit = self.max_content_length
        if limit is not None and self.content_length is None and len(data) >= limit:
            raise RequestEntityTooLarge
        return data
