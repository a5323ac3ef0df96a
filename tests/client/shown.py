"""Runs what the README shows, and can write the real output into it.

python -m tests.client.shown      runs the blocks against a fresh emulator and writes their output into README.md

A block is run when a comment ``<!-- run: NAME -->`` stands above it. Commands are the lines that begin with ``$``;
all blocks share one shell, so that variables last.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.real.clients import Clients
from tests.real.clients import clients as installed_clients
from tests.served import served

CHECKOUT = Path(__file__).parent.parent.parent
README = CHECKOUT / "README.md"
_BLOCK = re.compile(r"(<!-- run: (\w+) -->\n```(\w+)\n)(.*?)(```\n)", re.DOTALL)
_END = "-- end of output --"
_MASKS = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-007", "JOB-ID"),
    (r"\d{4}-\d\d-\d\dT[\d:.+Z-]+", "TIME"),
    (r"localhost:\d+", "localhost:PORT"),
)


@dataclass(frozen=True)
class Shown:
    """A command and what it printed, or is said to print."""

    command: str
    output: str

    @property
    def masked(self) -> str:
        """The output without what differs from run to run."""
        text = self.output
        for pattern, word in _MASKS:
            text = re.sub(pattern, word, text)
        return text


class Shell:
    """One bash that runs command after command, as a reader would type them."""

    def __init__(self, clients: Clients, url: str, home: Path) -> None:
        own = Path(sys.executable).parent
        environment = {
            "PATH": f"{clients.root / 'bin'}:{own}:{os.defpath}:/usr/local/bin",
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
            "TAPIS_EMULATOR_DATA_DIR": str(home / "data"),
        }
        self._url = url
        self._process = subprocess.Popen(
            ["bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=home,
            env=environment,
            text=True,
        )

    def run(self, command: str) -> Shown:
        """Raises AssertionError when the command fails."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{command}\necho; echo '{_END}' $?\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.startswith(_END):
                code = line.split()[-1]
                text = "".join(lines).strip("\n")
                assert code == "0", f"$ {command}\n{text}\nended with {code}"
                return Shown(command, text)
            lines.append(line)
        raise AssertionError(f"the shell ended at: {command}\n{''.join(lines)}")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def blocks(text: str) -> list[tuple[str, str, list[Shown]]]:
    """Name, language and commands with their shown output, of every block to be run."""
    found = []
    for match in _BLOCK.finditer(text):
        shown = [] if match[3] == "console" else [Shown(match[4], "")]
        for line in match[4].splitlines() if match[3] == "console" else ():
            if line.startswith("$ "):
                shown.append(Shown(line[2:], ""))
            elif shown:
                shown[-1] = Shown(shown[-1].command, f"{shown[-1].output}\n{line}".lstrip("\n"))
        found.append((match[2], match[3], shown))
    return found


def run_all(text: str, clients: Clients, folder: Path) -> list[tuple[Shown, Shown]]:
    """What is shown beside what really comes, command by command."""
    home = folder / "home"
    home.mkdir()
    (home / "fixtures").symlink_to(CHECKOUT / "fixtures")
    pairs = []
    with served(home / "data") as emulator:
        emulator.directory.announce({"url": emulator.url})
        shell = Shell(clients, emulator.url, home)
        for _, language, commands in blocks(text):
            for shown in commands:
                command = shown.command
                if language == "python":
                    (home / "shown.py").write_text(command.replace("http://localhost:8000", emulator.url))
                    command = "python -W ignore shown.py"
                real = shell.run(command)
                pairs.append((shown, Shown(shown.command, real.output)))
        shell.close()
    return pairs


def main() -> None:
    """Write the real output into the README."""
    text = README.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        outputs = {
            shown.command: real.output for shown, real in run_all(text, installed_clients(), Path(folder))
        }

    def filled(match: re.Match[str]) -> str:
        if match[3] != "console":
            return match[0]
        lines = []
        for command in (line[2:] for line in match[4].splitlines() if line.startswith("$ ")):
            lines.append(f"$ {command}")
            lines.extend(outputs[command].splitlines())
        return match[1] + "".join(f"{line}\n" for line in lines) + match[5]

    README.write_text(_BLOCK.sub(filled, text), encoding="utf-8")


if __name__ == "__main__":
    main()
