"""``singularity run|exec|shell|pull|inspect``: one call from the command line to its exit code."""

from __future__ import annotations

import json
import os
import sys

from emulator.runtimes.singularity import backends, images, options, packing
from emulator.runtimes.singularity.cache import Cache, Unpacked
from emulator.runtimes.singularity.container import container, runscript
from emulator.runtimes.singularity.failure import EXIT_CODE, Fatal, fatal, warn
from emulator.runtimes.singularity.options import Options
from emulator.runtimes.singularity.places import resolve

VERSION = "3.8"
"""Of the real command that this one follows."""

_USAGE = """usage: {name} [global options] <command> [options] <image> [arguments]

commands:  run, exec, shell, pull, inspect, version, help
This is tapis-emulator's own small {name}: it runs SIF and squashfs images, docker and OCI archives, unpacked
directories, docker:// references, and images that a Docker or podman on this machine holds.
"""


def main() -> None:
    """As a program: ends the process."""
    try:
        code = call(os.path.basename(sys.argv[0]), sys.argv[1:])
    except Fatal as error:
        fatal(str(error))
        code = EXIT_CODE
    except (OSError, MemoryError) as error:
        fatal(str(error) or type(error).__name__)
        code = EXIT_CODE
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def call(name: str, words: list[str]) -> int:
    """Raises Fatal, OSError."""
    given = options.parse(name, words, {}, options.GLOBAL)
    if "quiet" in given or "silent" in given:
        os.environ["SINGULARITY_SILENT"] = "1"
    verb, *rest = given.rest or [""]
    if "version" in given or verb == "version":
        print(f"{'' if verb == 'version' else name + ' version '}{VERSION}-tapis-emulator")
        return 0
    if "help" in given or verb in ("", "help"):
        print(_USAGE.format(name=name), end="")
        return 0 if verb or "help" in given else 1
    if verb in ("run", "exec", "shell"):
        return _run(verb, rest)
    if verb == "pull":
        return _pull(rest)
    if verb == "inspect":
        return _inspect(rest)
    raise Fatal(
        f'unknown command "{verb}" for "{name}": tapis-emulator\'s has run, exec, shell, pull and inspect'
    )


def _run(verb: str, words: list[str]) -> int:
    given = options.action(verb, words)
    least = 2 if verb == "exec" else 1
    if "help" in given or len(given.rest) < least:
        print(
            f"usage: {verb} [options] <image> {'<command> [arguments]' if least == 2 else '[arguments]'}",
            file=sys.stderr,
        )
        return 0 if "help" in given else 1
    for text in given.warnings:
        warn(text)
    cache = Cache()
    image = given.rest[0]
    unpacked = images.unpacked(image, cache, plain_http=_plain_http(given))
    session = os.path.join(cache.directory, "session")
    os.makedirs(session, exist_ok=True)
    named = os.path.abspath(image) if os.path.exists(image) else image
    backend = backends.chosen()
    sys.stdout.flush()
    return int(backend.run(container(verb, named, unpacked, given, session)))


def _pull(words: list[str]) -> int:
    given = options.parse("pull", words, options.PULL_WITH_VALUE, options.PULL_SWITCHES, ("--disable-cache",))
    if not 1 <= len(given.rest) <= 2:
        raise Fatal("usage: pull [options] [output file] <image>")
    image = given.rest[-1]
    target = given.rest[0] if len(given.rest) == 2 else given.last("name") or packing.file_name(image)
    target = os.path.join(given.last("dir") or "", target)
    if os.path.lexists(target) and "force" not in given:
        raise Fatal(f'image file already exists: "{target}" - will not overwrite')
    packing.pack(images.unpacked(image, Cache(), plain_http=_plain_http(given)), target)
    return 0


def _inspect(words: list[str]) -> int:
    given = options.parse("inspect", words, {}, options.INSPECT_SWITCHES)
    if len(given.rest) != 1:
        raise Fatal("usage: inspect [options] <image>")
    found = images.unpacked(given.rest[0], Cache(), plain_http=_plain_http(given))
    if "runscript" in given:
        print(
            packing.runscript_text(found)
            if not runscript(found.root)
            else _text(found, runscript(found.root))
        )
    elif "environment" in given:
        print("\n".join(found.configuration.environment))
    elif "json" in given:
        print(
            json.dumps({"data": {"attributes": {"labels": _labels(found)}}, "type": "container"}, indent="\t")
        )
    else:
        for key, value in sorted(_labels(found).items()):
            print(f"{key}: {value}")
    return 0


def _labels(found: Unpacked) -> dict[str, str]:
    text = _text(found, "/.singularity.d/labels.json")
    try:
        return {**found.configuration.labels, **(json.loads(text) if text else {})}
    except (ValueError, TypeError) as error:
        raise Fatal(f"the image's labels are damaged: {error}") from error


def _text(found: Unpacked, path: str) -> str:
    try:
        with open(resolve(found.root, path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def _plain_http(given: Options) -> bool:
    return "nohttps" in given or bool(os.environ.get("SINGULARITY_NOHTTPS"))
