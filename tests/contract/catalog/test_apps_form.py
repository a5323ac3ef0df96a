"""An app as an HTML form [apps §2]."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from tests.catalog import APP, OTHER, Catalog, changed


class Form(HTMLParser):
    """What a browser sees: the fields by name, and the texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.form: dict[str, str | None] = {}
        self.fields: dict[str, list[dict[str, str | None]]] = {}
        self.options: dict[str, list[tuple[str | None, bool]]] = {}
        self.tags: list[str] = []
        self._select = ""
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag == "form":
            self.form = found
        elif tag in ("input", "select") and found.get("name"):
            self._select = str(found["name"])
            self.fields.setdefault(self._select, []).append(found)
        elif tag == "option":
            self.options.setdefault(self._select, []).append((found["value"], "selected" in found))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


EVIL = "<script>alert('1')</script>\"&"


@pytest.fixture
def form(catalog: Catalog) -> Form:
    catalog.add_app_material()
    body = changed(
        APP,
        label=EVIL,
        inputs=[
            {
                "id": "query",
                "value": {"default": ["a.txt", EVIL], "required": True},
                "semantics": {"maxCardinality": 2},
            },
            {"id": "hidden", "value": {"visible": False, "default": "h.txt"}},
        ],
        parameters=[
            {"id": "n", "value": {"type": "number", "default": 2.5}, "details": {"label": "How many"}},
            {"id": "flag", "value": {"type": "flag", "default": True}},
            {"id": "off", "value": {"type": "bool"}},
            {
                "id": "mode",
                "value": {"type": "enumeration", "enum_values": [{"a": "A & B"}, "b"], "default": "b"},
            },
            {
                "id": "text",
                "value": {"type": "string", "validator": "[a-z]+"},
                "details": {"description": EVIL},
            },
        ],
    )
    catalog.post("/apps/v2", body)
    return Form(catalog.get("/apps/v2/wc-1.00/form")["submitForm"])


def only(form: Form, name: str) -> dict[str, Any]:
    (field,) = form.fields[name]
    return field


def test_every_argument_has_its_field(form: Form) -> None:
    assert (form.form["method"], form.form["action"]) == ("POST", "http://localhost/jobs/v2")
    assert only(form, "appId")["value"] == "wc-1.00"
    assert [field["value"] for field in form.fields["inputs.query"]] == ["a.txt", EVIL]
    assert all("required" in field for field in form.fields["inputs.query"])
    assert only(form, "inputs.hidden") == {"type": "hidden", "name": "inputs.hidden", "value": "h.txt"}
    number = only(form, "parameters.n")
    assert (number["type"], number["value"], number["step"]) == ("number", "2.5", "any")
    assert "checked" in only(form, "parameters.flag") and "checked" not in only(form, "parameters.off")
    assert form.options["parameters.mode"] == [("a", False), ("b", True)]
    assert only(form, "parameters.text")["pattern"] == "[a-z]+"
    assert "How many" in form.texts and "A & B" in form.texts


def test_what_an_owner_writes_is_text_and_no_markup(form: Form) -> None:
    assert "script" not in form.tags
    assert EVIL in form.texts


def test_an_app_without_arguments_and_one_that_may_not_be_seen(catalog: Catalog) -> None:
    catalog.add_app_material()
    catalog.post("/apps/v2", APP)
    bare = Form(catalog.get("/apps/v2/wc-1.00/form")["submitForm"])
    assert set(bare.fields) == {"appId", "name"}
    assert catalog.get("/apps/v2/wc-1.00/form", user=OTHER, status=403).startswith("Permission denied.")
    assert catalog.get("/apps/v2/no-1.0/form", status=404) == "No software found matching no-1.0"
