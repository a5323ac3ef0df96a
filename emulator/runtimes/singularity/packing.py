"""Unpacked images back into one file, in the form that the real command reads too: squashfs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile

from emulator.runtimes.singularity.cache import Unpacked
from emulator.runtimes.singularity.failure import Fatal, inform

_META = ".singularity.d"


def file_name(image: str) -> str:
    """What a pulled image is called: ``docker://a/b:c`` is ``b_c.sif``."""
    name = image.rpartition("://")[2].split("@")[0].rsplit("/", 1)[-1]
    name, _, tag = name.partition(":")
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', name)}_{tag or 'latest'}.sif"


def pack(image: Unpacked, target: str) -> None:
    """Write ``target`` whole, or not at all. Raises Fatal where this machine cannot make squashfs."""
    program = shutil.which("mksquashfs") or shutil.which("mksquashfs", path="/usr/sbin:/sbin:/usr/local/sbin")
    if program is None:
        raise Fatal("this machine has no mksquashfs, which makes image files: install squashfs-tools")
    directory = os.path.dirname(os.path.abspath(target))
    with tempfile.TemporaryDirectory(prefix=".singularity-", dir=directory) as scratch:
        part = os.path.join(scratch, "image")
        command = [program, image.root, part, "-no-progress", "-noappend", "-all-root", "-no-xattrs"]
        if not os.path.isdir(os.path.join(image.root, _META)):
            _write_meta(image, os.path.join(scratch, _META))
            # more than one source: each is a directory in the image, so the root's children are named
            children = [os.path.join(image.root, name) for name in sorted(os.listdir(image.root))]
            command[1:2] = [*children, os.path.join(scratch, _META)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
        if done.returncode:
            raise Fatal(f"mksquashfs: {done.stderr.decode('utf-8', 'replace').strip()}")
        os.chmod(part, 0o755)
        os.replace(part, target)
    inform(f"Image written to {target}")


def runscript_text(image: Unpacked) -> str:
    """What Docker would run, as a shell script."""
    entrypoint, command = (
        shlex.join(words) for words in (image.configuration.entrypoint, image.configuration.command)
    )
    if entrypoint:
        return f'#!/bin/sh\n[ $# -gt 0 ] || set -- {command}\nexec {entrypoint} "$@"\n'
    return f'#!/bin/sh\n[ $# -gt 0 ] || set -- {command or "/bin/sh"}\nexec "$@"\n'


def _write_meta(image: Unpacked, place: str) -> None:
    os.makedirs(os.path.join(place, "env"))
    lines = ["#!/bin/sh"]
    for entry in image.configuration.environment:
        name, _, value = entry.partition("=")
        if name.isidentifier():
            quoted = shlex.quote(value)
            lines.append(
                f"export {name}={quoted}"
                if name == "PATH"
                else f'[ -n "${{{name}+x}}" ] || export {name}={quoted}'
            )
    _script(os.path.join(place, "env", "10-docker2singularity.sh"), "\n".join(lines) + "\n")
    _script(os.path.join(place, "runscript"), runscript_text(image))


def _script(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    os.chmod(path, 0o755)
