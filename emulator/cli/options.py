"""Command line flags made from the table of settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from emulator.settings import BadSetting, Settings, flag, load, options, variable

_MEANT = {
    "engine.images": "IMAGE",
    "hosts": "TARGET",
    "server.listener": "PORT=USER",
    "scenarios": "FILE_OR_NAME",
}
_TYPES = {"str": str, "int": int, "float": float}


def with_settings(command: Callable[..., Any], without: str = "") -> Callable[..., Any]:
    """Give a command ``--config`` and a flag for every option; it is called with ``settings``.

    ``without`` is the field of an option whose flag the command uses for something else.
    """

    def call(config: Path | None, **arguments: Any) -> Any:
        names = {option.name for option in options()}
        flags = {name: arguments.pop(name) for name in list(arguments) if name in names}
        for option in options():
            if option.name in flags and str(option.type).startswith("dict"):
                flags[option.name] = _pairs(option.metadata["key"], flags[option.name] or ())
            elif option.name in flags and str(option.type).startswith("tuple"):
                flags[option.name] = flags[option.name] or None
        try:
            settings = load(flags, config=config)
        except BadSetting as error:
            raise click.ClickException(str(error)) from error
        return command(settings=settings, **arguments)

    call.__doc__ = command.__doc__
    call.__name__ = command.__name__
    decorated: Callable[..., Any] = call
    for option in reversed([option for option in options() if option.name != without]):
        decorated = _flag(option.name, option.metadata["key"], str(option.type), option.metadata["help"])(
            decorated
        )
    path = click.Path(path_type=Path, dir_okay=False)
    return click.option("--config", type=path, envvar="TAPIS_EMULATOR_CONFIG", help="YAML file of options")(
        decorated
    )


def _flag(name: str, key: str, kind: str, text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    default = next(option.default for option in options() if option.name == name)
    help_text = f"{text} [{variable(key)}]"
    if kind == "bool":
        off = flag(key).replace("--", "--no-", 1)
        return click.option(f"{flag(key)}/{off}", name, default=None, help=f"{help_text} (default {default})")
    if kind.startswith("tuple"):
        repeatable = f"{help_text} (repeatable)"
        return click.option(flag(key), name, multiple=True, metavar=_MEANT[key], help=repeatable)
    if kind not in _TYPES:
        return click.option(
            flag(key), name, multiple=True, metavar=_pair(key), help=f"{help_text} (repeatable)"
        )
    shown = f" (default {default})" if default != "" else ""
    return click.option(flag(key), name, type=_TYPES[kind], default=None, help=help_text + shown)


def _pair(key: str) -> str:
    return f"NAME={_MEANT.get(key, 'VALUE')}"


def _pairs(key: str, texts: Iterable[str]) -> dict[str, str] | None:
    """``NAME=VALUE`` as often as given; None for none at all."""
    found = {}
    for text in texts:
        name, mark, image = text.partition("=")
        if not (name and mark and image):
            raise click.BadParameter(f"{text!r} is not {_pair(key)}", param_hint=flag(key))
        found[name] = image
    return found or None


def data_path(settings: Settings) -> Path:
    """The data directory as an absolute path: job containers mount it under this name."""
    return Path(settings.data_dir).expanduser().absolute()
