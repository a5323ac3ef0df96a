"""All options in one table: each is a flag, an environment variable and a key of the config file.

``auth.anonymous`` is ``--auth-anonymous / --no-auth-anonymous``, ``TAPIS_EMULATOR_AUTH_ANONYMOUS`` and

.. code-block:: yaml

    auth: {anonymous: true}

A flag wins over the environment, which wins over the file, which wins over the default.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

PREFIX = "TAPIS_EMULATOR_"


class BadSetting(Exception):
    """An option that does not exist, or a value of the wrong kind. The text names it and its source."""


_AT_LEAST_1 = (1, math.inf)
_FACTOR = (1e-6, 1e9)
RECOVERY_TIME_SCALE = 60.0
"""The default of ``jobs.recovery_time_scale``."""


def _option(
    key: str,
    default: Any,
    text: str,
    choices: tuple[str, ...] = (),
    within: tuple[float, float] | None = None,
) -> Any:
    """A row of the table. ``choices`` are the words it may be, in any case; ``within`` least and most of a number."""
    text = f"{text}: {' or '.join(choices)}" if choices else text
    meta = {"key": key, "help": text, "choices": choices, "within": within}
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=meta)
    return field(default=default, metadata=meta)


def _data_home() -> str:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return str(Path(base) / "tapis-emulator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = _option("server.host", "127.0.0.1", "address to listen on")
    port: int = _option("server.port", 8000, "port to listen on; 0 takes a free one", within=(0, 65535))
    tls_port: int = _option(
        "server.tls_port", 0, "a port for TLS alone, such as 443; 0: none", within=(0, 65535)
    )
    stand_in_for: str = _option(
        "server.stand_in_for",
        "api.tacc.utexas.edu",
        "hosts (comma list) that clients reach here when they take the emulator for their proxy; empty: none",
    )
    listener: tuple[str, ...] = _option(
        "server.listener", (), "another port and its default user: PORT=USER or PORT=USER@WORLD"
    )
    listener_ports: str = _option(
        "server.listener_ports",
        "",
        "ports (FIRST-LAST) of listeners that ask for none, so that a container can publish them; empty: any free one",
    )
    base_url: str = _option("server.base_url", "", "base URL in links; empty: as the request came")
    log_level: str = _option(
        "server.log_level", "WARNING", "what is logged", ("DEBUG", "INFO", "WARNING", "ERROR")
    )
    scenarios: tuple[str, ...] = _option(
        "scenarios",
        (),
        "scenario to arm at the start: a file, or one of the library; NAME@WORLD for another world",
    )
    data_dir: str = _option("data_dir", _data_home(), "where everything is kept")
    ephemeral: bool = _option("ephemeral", False, "keep nothing: data in a directory that goes at the end")
    seed_file: str = _option("seed_file", "", "YAML of tenant, users, systems; empty: the built-in one")

    workers: int = _option(
        "engine.workers", 4, "threads that walk jobs through their steps", within=_AT_LEAST_1
    )
    runtime: str = _option("engine.runtime", "process", "how sandboxes run jobs", ("process", "docker"))
    images: dict[str, str] = _option(
        "engine.images", {}, "Docker image per app or system id (globs allowed): these run in containers"
    )
    docker_image: str = _option(
        "engine.docker_image", "", "image when the runtime is docker and none matches"
    )
    docker_network: str = _option("engine.docker_network", "bridge", "network of job containers")
    docker_networks: dict[str, str] = _option(
        "engine.docker_networks", {}, "network per app or system id (globs allowed), such as none"
    )
    docker_user: str = _option(
        "engine.docker_user",
        "",
        "UID[:GID] of job containers of a root emulator; empty: root, without its powers",
    )
    docker_limit_memory: bool = _option(
        "engine.docker_limit_memory", False, "job containers get no more memory than memoryPerNode"
    )
    docker_limit_processors: bool = _option(
        "engine.docker_limit_processors", False, "job containers get no more processors than the job has"
    )

    hosts: dict[str, Any] = _option(
        "hosts", {}, "host map: host name (globs allowed) to sandbox, local or ssh://[user@]address[:port]"
    )
    poll_min_ms: int = _option(
        "jobs.poll_min_ms",
        300,
        "least milliseconds between two looks at a real scheduler",
        within=(1, 3_600_000),
    )
    poll_max_ms: int = _option(
        "jobs.poll_max_ms", 10_000, "most milliseconds between two looks", within=(1, 3_600_000)
    )

    anonymous: bool = _option("auth.anonymous", True, "no Authorization header: act as the default user")
    default_user: str = _option(
        "auth.default_user", "", "user of requests without credentials; empty: the seed's"
    )
    revoke_on_refresh: bool = _option("auth.revoke_on_refresh", False, "a refresh kills the old pair")
    token_reuse: bool = _option("auth.token_reuse", False, "the same token while one lives")
    account_managers: str = _option(
        "auth.account_managers",
        "",
        "users (comma list) who may create, change and remove accounts, besides those with the role",
    )
    token_lifetime: int = _option(
        "auth.token_lifetime", 14400, "seconds an access token lives", within=_AT_LEAST_1
    )
    strict_usernames: bool = _option("auth.strict_usernames", True, "unknown users are 404 in roles and pems")
    fault_format: str = _option("gateway.fault_format", "json", "what fault bodies are", ("json", "xml"))
    faithful_5xx: bool = _option(
        "errors.faithful_5xx", False, "the service's own 5xx and 401 for mistakes of clients"
    )
    service_version: str = _option("service.version", "2.2.27-r8d3e0d3", "version in every answer")
    page_default: int = _option(
        "page.default", 100, "entries on a page when no limit is given", within=_AT_LEAST_1
    )
    page_max: int = _option("page.max", 250, "most entries on a page (files: no cap)", within=_AT_LEAST_1)
    public_default_read: bool = _option(
        "files.public_default_read", False, "READ outside homes on public storage"
    )
    import_allow: str = _option(
        "files.import_allow", "", "hosts (comma list, globs) reachable for http inputs and imports"
    )
    checksums: bool = _option(
        "files.checksums", False, "compare every transferred file with its copy (SHA-256)"
    )
    staging_delay_ms: int = _option(
        "files.staging_delay_ms", 0, "milliseconds before an upload counts as staged", within=(0, 3_600_000)
    )
    jobs_profile: str = _option(
        "jobs.profile", "aloe", "words and formats of job answers", ("aloe", "legacy")
    )
    accepted_window_ms: int = _option(
        "jobs.accepted_window_ms", 0, "milliseconds until an accepted job can be seen", within=(0, 3_600_000)
    )
    strict_request: bool = _option("jobs.strict_request", True, "unknown keys of a job request are 400")
    command_blacklist: str = _option(
        "jobs.command_blacklist",
        "default",
        "commands that public execution systems do not run, spaces between; default: the service's",
    )
    drop_unlimited_queues: bool = _option("jobs.drop_unlimited_queues", False, "ignore queues with -1 limits")
    cancel_terminal_error: bool = _option("jobs.cancel_terminal_error", True, "cancel of an ended job is 400")
    log_alias: bool = _option("jobs.log_alias", True, "<slug>-<id>.out/.err always finds the log")
    archive_exclude_inputs: bool = _option(
        "jobs.archive_exclude_inputs", False, "do not archive staged inputs"
    )
    time_scale: float = _option("jobs.time_scale", 1.0, "divides run time limits", within=_FACTOR)
    recovery_time_scale: float = _option(
        "jobs.recovery_time_scale",
        RECOVERY_TIME_SCALE,
        "divides waits of blocked jobs; by itself only in worlds that go by real time",
        within=_FACTOR,
    )
    max_request_mb: int = _option(
        "server.max_request_mb", 10, "most megabytes of a JSON or form body", within=_AT_LEAST_1
    )

    block_private_hosts: bool = _option(
        "notifications.block_private_hosts", False, "refuse callbacks to local addresses"
    )
    keep_all_attempts: bool = _option(
        "notifications.keep_all_attempts", False, "keep delivered attempts too, the newest hundred of each"
    )

    smtp_host: str = _option("smtp.host", "", "SMTP server for e-mails; empty: the built-in mailbox")
    smtp_port: int = _option("smtp.port", 25, "its port", within=(1, 65535))
    smtp_user: str = _option("smtp.user", "", "login name, when it asks for one")
    smtp_password: str = _option("smtp.password", "", "its password")
    smtp_starttls: bool = _option("smtp.starttls", False, "speak TLS after STARTTLS")
    mail_from: str = _option("smtp.sender", "no-reply@tapis-emulator.localhost", "sender of e-mails")


def surroundings() -> dict[str, str]:
    """The environment of this process, for what starts other programs: a copy."""
    return dict(os.environ)


def options() -> Iterator[Field[Any]]:
    """The table: dataclass fields with ``metadata["key"]`` and ``metadata["help"]``."""
    return iter(fields(Settings))


_ONE_EACH = {"scenarios": "scenario"}
"""Flags that are given once for each of several."""


def variable(key: str) -> str:
    """The environment variable of an option."""
    return PREFIX + key.replace(".", "_").upper()


def flag(key: str) -> str:
    """The command line flag: common ones short, the rest as their key."""
    name = _ONE_EACH.get(key, key).removeprefix("server.").removeprefix("engine.")
    return "--" + name.replace(".", "-").replace("_", "-")


def load(
    flags: Mapping[str, Any], environment: Mapping[str, str] | None = None, config: Path | None = None
) -> Settings:
    """Bring all sources together. ``flags`` by field name, None where not given.

    Raises BadSetting for unknown keys and wrong values.
    """
    env = os.environ if environment is None else environment
    table = {f.metadata["key"]: f for f in fields(Settings)}
    values: dict[str, Any] = {}
    for key, value in (_flatten(_read(config)) if config else {}).items():
        if key not in table:
            raise BadSetting(f"{config}: there is no option {key}")
        values[table[key].name] = _typed(table[key], value, str(config))
    for key, option in table.items():
        if variable(key) in env:
            values[option.name] = _typed(option, env[variable(key)], variable(key))
    names = {option.name for option in table.values()}
    for name in flags.keys() - names:
        from difflib import get_close_matches

        meant = "".join(f"; did you mean {each}?" for each in get_close_matches(name, names, 1))
        raise BadSetting(f"there is no option {name}{meant}")
    for option in table.values():
        if flags.get(option.name) is not None:
            values[option.name] = _typed(option, flags[option.name], flag(option.metadata["key"]))
    return Settings(**values)


def _read(config: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise BadSetting(f"{config}: {error}") from error
    if not isinstance(document, dict):
        raise BadSetting(f"{config}: expected a mapping of options")
    return document


def _flatten(document: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    known = {f.metadata["key"] for f in fields(Settings)}
    flat: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and name not in known:
            flat |= _flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


_KINDS = {"str": str, "int": int, "float": float, "bool": bool, "tuple[str, ...]": tuple}


def _typed(option: Field[Any], value: Any, source: str) -> Any:
    """The value as the option's type, within its bounds. Raises BadSetting."""
    kind = _KINDS.get(str(option.type), dict)
    try:
        if kind is bool:
            return value if isinstance(value, bool) else _truth(str(value))
        if kind is tuple:
            return _texts(value)
        if kind is dict:
            return value if isinstance(value, dict) else dict(p.split("=", 1) for p in value.split(",") if p)
        return _bounded(option, kind(value))
    except (TypeError, ValueError) as error:
        allowed = _allowed(option)
        raise BadSetting(f"{source}: {option.metadata['key']} cannot be {value!r}{allowed}") from error


def _bounded(option: Field[Any], value: Any) -> Any:
    """Raises ValueError for what the table does not allow; a word comes back as the table spells it."""
    choices, within = option.metadata["choices"], option.metadata["within"]
    if choices:
        return choices[[word.lower() for word in choices].index(value.lower())]
    if within and not within[0] <= value <= within[1]:
        raise ValueError(value)
    return value


def _allowed(option: Field[Any]) -> str:
    """What would have been right, for messages."""
    choices, within = option.metadata["choices"], option.metadata["within"]
    if choices:
        return f": it is {' or '.join(choices)}"
    if within is None:
        return ""
    least, most = within
    return f": it is {least:g} or more" if math.isinf(most) else f": it lies between {least:g} and {most:g}"


def _texts(value: Any) -> tuple[str, ...]:
    """A comma list, or a list or mapping of the file (``8001: student01`` says ``8001=student01``)."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, Mapping):
        return tuple(f"{key}={each}" for key, each in value.items())
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ValueError(value)


def _truth(text: str) -> bool:
    words = {
        "1": True,
        "true": True,
        "on": True,
        "yes": True,
        "0": False,
        "false": False,
        "off": False,
        "no": False,
    }
    if text.strip().lower() not in words:
        raise ValueError(text)
    return words[text.strip().lower()]
