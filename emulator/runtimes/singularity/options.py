"""The command line: as the real command reads it, options before the image, everything after it untouched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from emulator.runtimes.singularity.failure import Fatal

GLOBAL = {
    "-d": "debug", "--debug": "debug", "-q": "quiet", "--quiet": "quiet", "-s": "silent", "--silent": "silent",
    "-v": "verbose", "--verbose": "verbose", "--nocolor": "nocolor", "--version": "version", "-h": "help",
    "--help": "help",
}  # fmt: skip

_WITH_VALUE = {
    "-B": "bind", "--bind": "bind", "--pwd": "pwd", "--cwd": "pwd", "--env": "env", "--env-file": "env-file",
    "-H": "home", "--home": "home", "-W": "workdir", "--workdir": "workdir", "-S": "scratch",
    "--scratch": "scratch", "--no-mount": "no-mount",
}  # fmt: skip
_SWITCHES = {
    "-e": "cleanenv", "--cleanenv": "cleanenv", "-c": "contain", "--contain": "contain",
    "-C": "containall", "--containall": "containall", "--no-home": "no-home",
    "--writable-tmpfs": "writable-tmpfs", "--nohttps": "nohttps", "--no-https": "nohttps", "--compat": "compat",
}  # fmt: skip
_WITHOUT_EFFECT = {
    "--nv", "--nvccli", "--rocm", "-u", "--userns", "--uts", "-i", "--ipc", "-p", "--pid", "--no-init",
    "--no-umask", "--no-privs", "--no-eval", "--disable-cache", "--unsquash", "--no-pid",
}  # fmt: skip
"""Taken, with a warning where the user might count on it."""
_WORTH_A_WARNING = {"--nv", "--nvccli", "--rocm", "-p", "--pid", "-i", "--ipc"}
_REFUSED = {
    "-w", "--writable", "-n", "--net", "--network", "--network-args", "--overlay", "-o", "-f", "--fakeroot",
    "--security", "--add-caps", "--drop-caps", "--keep-privs", "--allow-setuid", "--apply-cgroups", "--hostname",
    "--dns", "--fusemount", "--app", "--docker-login", "--docker-username", "--docker-password", "--mount",
    "--pem-path", "--passphrase", "--vm", "--sharens",
}  # fmt: skip
"""Known to the real command; to run without them would be something else than what was asked for."""

PULL_WITH_VALUE = {"--name": "name", "--dir": "dir", "--arch": "arch"}
PULL_SWITCHES = {"-F": "force", "--force": "force", "--nohttps": "nohttps", "--no-https": "nohttps"}
INSPECT_SWITCHES = {
    "-l": "labels", "--labels": "labels", "-r": "runscript", "--runscript": "runscript", "-e": "environment",
    "--environment": "environment", "-j": "json", "--json": "json",
}  # fmt: skip
SHELL_WITH_VALUE = {"-s": "shell", "--shell": "shell"}


@dataclass
class Options:
    """Options by name, each with its values in order; ``rest`` begins with the image."""

    values: dict[str, list[str]] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def last(self, name: str) -> str | None:
        found = self.values.get(name)
        return found[-1] if found else None

    def all(self, name: str) -> list[str]:
        return self.values.get(name, [])


def action(verb: str, words: Sequence[str]) -> Options:
    """Options of run, exec and shell. Raises Fatal for what is unknown or cannot be done."""
    with_value = {**_WITH_VALUE, **(SHELL_WITH_VALUE if verb == "shell" else {})}
    options = parse(verb, words, with_value, _SWITCHES, _WITHOUT_EFFECT, _REFUSED)
    for name in ("containall", "compat"):
        if name in options:
            options.values.setdefault("contain", [""])
            options.values.setdefault("cleanenv", [""])
    if "compat" in options:
        options.values.setdefault("writable-tmpfs", [""])
    return options


def parse(
    verb: str,
    words: Sequence[str],
    with_value: dict[str, str],
    switches: dict[str, str],
    without_effect: Iterable[str] = (),
    refused: Iterable[str] = (),
) -> Options:
    """Options up to the first word that is none; short ones may be put together (``-ec``).

    Raises Fatal for unknown ones, for those without their value, and for ``refused`` ones.
    """
    options, index = Options(), 0
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
            break
        if not word.startswith("-") or word == "-":
            break
        index += 1
        for name, value in _split(word, with_value):
            if name in ("-h", "--help"):
                options.values["help"] = [""]
            elif name in switches:
                if _is_true(verb, name, value):
                    options.values[switches[name]] = [""]
            elif name in with_value:
                if value is None:
                    if index >= len(words):
                        raise Fatal(f'Error for command "{verb}": flag needs an argument: {name}')
                    value = words[index]
                    index += 1
                options.values.setdefault(with_value[name], []).append(value)
            elif name in without_effect:
                if name in _WORTH_A_WARNING:
                    options.warnings.append(f"{name} has no effect: this is tapis-emulator's own {verb}")
            elif name in refused:
                raise Fatal(
                    f'Error for command "{verb}": {name} is not supported by tapis-emulator\'s singularity'
                )
            else:
                kind = "flag" if name.startswith("--") else "shorthand flag"
                raise Fatal(f'Error for command "{verb}": unknown {kind}: {name}')
    options.rest = list(words[index:])
    return options


def _split(word: str, with_value: dict[str, str]) -> list[tuple[str, str | None]]:
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return [(name, value if equals else None)]
    found: list[tuple[str, str | None]] = []
    letters = word[1:]
    while letters:
        name, letters = f"-{letters[0]}", letters[1:]
        if name in with_value and letters:
            found.append((name, letters[1:] if letters.startswith("=") else letters))
            break
        found.append((name, None))
    return found


def _is_true(verb: str, name: str, value: str | None) -> bool:
    if value is None or value.lower() in ("1", "t", "true"):
        return True
    if value.lower() in ("0", "f", "false"):
        return False
    raise Fatal(f'Error for command "{verb}": invalid argument "{value}" for "{name}" flag')
