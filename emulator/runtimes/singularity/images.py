"""What an image argument means, and the image as a directory."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile

from emulator.runtimes.singularity import archives, engines, registry
from emulator.runtimes.singularity.archives import Configuration
from emulator.runtimes.singularity.cache import Cache, Unpacked
from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.sif import Extent, squashfs_in

_ARCHIVES = ("docker-archive", "oci-archive")
_ELSEWHERE = ("library", "shub", "oras", "http", "https", "oci", "instance")


def unpacked(image: str, cache: Cache, *, plain_http: bool) -> Unpacked:
    """The image as a directory, unpacked once. Raises Fatal when it cannot be had."""
    scheme, separator, rest = image.partition(":")
    if separator and scheme in _ARCHIVES:
        return _file(rest[2:] if rest.startswith("//") else rest, image, cache)
    if separator and scheme == "docker":
        return _reference(rest[2:] if rest.startswith("//") else rest, cache, plain_http=plain_http)
    if separator and scheme in _ELSEWHERE:
        raise Fatal(f"{scheme}:// images are not supported by tapis-emulator's singularity: {image}")
    if separator and scheme == "docker-daemon":
        held = _of_engine(rest[2:] if rest.startswith("//") else rest, cache)
        if held is None:
            raise Fatal(f"neither Docker nor podman holds an image {rest}")
        return held
    if os.path.lexists(image):
        return _file(image, image, cache)
    if not image.startswith((".", "/")) and not image.endswith((".sif", ".simg", ".img", ".sqsh", ".tar")):
        found = _of_engine(image, cache)
        if found is not None:
            return found
    raise Fatal(f"could not open image {os.path.abspath(image)}: no such file or directory")


def _file(path: str, image: str, cache: Cache) -> Unpacked:
    try:
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            return Unpacked(os.path.abspath(path), Configuration())
        if not stat.S_ISREG(found.st_mode):
            raise Fatal(f"could not open image {image}: it is no file")
        with open(path, "rb") as file:
            extent = squashfs_in(file)
    except OSError as error:
        raise Fatal(f"could not open image {os.path.abspath(path)}: {error.strerror}") from error
    except Fatal as error:
        raise Fatal(f"could not open image {image}: {error}") from error
    if extent is not None:
        system = extent
        return cache.image(cache.digest_of(path), lambda root: _unsquash(path, system, root))
    if archives.is_archive(path):
        return cache.image(cache.digest_of(path), lambda root: archives.unpack(path, root))
    raise Fatal(f"could not open image {image}: image format not recognized")


def _unsquash(path: str, extent: Extent, root: str) -> Configuration:
    """Raises Fatal where this machine has nothing that reads squashfs, or the file system is damaged."""
    program = shutil.which("unsquashfs") or shutil.which("unsquashfs", path="/usr/sbin:/sbin:/usr/local/sbin")
    if program is None:
        raise Fatal(
            "this machine has no unsquashfs, which reads SIF and squashfs images: install squashfs-tools"
        )
    command = [
        program,
        "-no-progress",
        "-no-xattrs",
        "-force",
        "-offset",
        str(extent.offset),
        "-dest",
        root,
        path,
    ]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode not in (0, 2) or not os.listdir(root):  # 2: devices need root
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()
        raise Fatal(f"{path} cannot be unpacked: {said[-1] if said else f'unsquashfs: {done.returncode}'}")
    _tame(root)
    return Configuration()


def _tame(root: str) -> None:
    """Neither devices nor borrowed rights, which only root could have unpacked."""
    os.chmod(root, 0o755)
    for directory, _, names in os.walk(root):
        for name in names:
            place = os.path.join(directory, name)
            mode = os.lstat(place).st_mode
            if stat.S_ISREG(mode):
                if mode & 0o6000:
                    os.chmod(place, stat.S_IMODE(mode) & 0o1777)
            elif not stat.S_ISLNK(mode):
                os.unlink(place)


def _reference(reference: str, cache: Cache, *, plain_http: bool) -> Unpacked:
    """An image of an engine here, else of a registry."""
    found = _of_engine(reference, cache)
    if found is not None:
        return found
    remote = registry.Image(reference, plain_http=plain_http)
    return cache.image(remote.digest, remote.unpack)


def _of_engine(reference: str, cache: Cache) -> Unpacked | None:
    engine = engines.holding(reference)
    if engine is None:
        return None
    program, digest = engine

    def fill(root: str) -> Configuration:
        with tempfile.TemporaryDirectory(dir=os.path.dirname(root)) as scratch:
            saved = os.path.join(scratch, "image.tar")
            engines.save(program, reference, saved)
            return archives.unpack(saved, root)

    return cache.image(digest, fill)
