"""An app's inputs and parameters as an HTML form, for portals that show it as it is [apps §2].

The form names what it asks for as a job request does: ``inputs.<id>``, ``parameters.<id>``.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from emulator.domain.app import App, AppArgument

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = """\
<form id="submit-{{ app.id }}" name="submit-{{ app.id }}" method="POST" action="{{ action }}">
<fieldset><legend>{{ app.label or app.name }}</legend>
<input type="hidden" name="appId" value="{{ app.id }}"/>
<label>Job name <input type="text" name="name" required="required"/></label>
</fieldset>
{%- for title, part in (("Inputs", "inputs"), ("Parameters", "parameters")) %}
{%- for one in arguments[part] %}
{%- if loop.first %}
<fieldset><legend>{{ title }}</legend>
{%- endif %}
{%- set name = part ~ "." ~ one.id %}
{%- if not one.visible %}
{%- for value in values(one) or [""] %}
<input type="hidden" name="{{ name }}" value="{{ value }}"/>
{%- endfor %}
{%- elif one.enum_values %}
<label>{{ one.label or one.id }} <select name="{{ name }}"
{%- if one.max_cardinality != 1 %} multiple="multiple"{% endif %}
{%- if one.required %} required="required"{% endif %}>
{%- for key, label in one.enum_values %}
<option value="{{ key }}"{% if key in values(one) %} selected="selected"{% endif %}>{{ label }}</option>
{%- endfor %}
</select></label>
{%- elif one.type in ("bool", "flag") %}
<label>{{ one.label or one.id }} <input type="checkbox" name="{{ name }}" value="true"
{%- if values(one) == ["true"] %} checked="checked"{% endif %}/></label>
{%- else %}
{%- for value in values(one) or [""] %}
<label>{{ one.label or one.id }} <input type="{{ "number" if one.type == "number" else "text" }}"
{%- if one.type == "number" %} step="any"{% endif %} name="{{ name }}" value="{{ value }}"
{%- if one.validator %} pattern="{{ one.validator }}"{% endif %}
{%- if one.required %} required="required"{% endif %}/></label>
{%- endfor %}
{%- endif %}
{%- if one.visible and one.description %}
<p>{{ one.description }}</p>
{%- endif %}
{%- if loop.last %}
</fieldset>
{%- endif %}
{%- endfor %}
{%- endfor %}
<input type="submit" value="Submit"/>
</form>"""


def render(app: App, action: str) -> str:
    """``action`` is the URL that jobs are submitted to. All that an app's owner wrote is escaped."""
    arguments = {"inputs": app.inputs, "parameters": app.parameters}
    return _template().render(app=app, action=action, arguments=arguments, values=_values)


@cache
def _template() -> Template:
    from jinja2 import Environment  # few requests need it

    return Environment(autoescape=True).from_string(_TEMPLATE)


def _values(one: AppArgument) -> list[str]:
    """The default values, as a form's fields hold them."""
    values = one.default if isinstance(one.default, list) else [one.default]
    return [_text(value) for value in values if value is not None]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
