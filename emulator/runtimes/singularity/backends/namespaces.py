"""A mount namespace of the kernel's, below which the caller stays who he is; as root, or with a user namespace.

The new root is a small file system in memory. Directories of the image are bound into it, read-only; those in
which something must be added (``/home/me`` in an image that has only ``/home``) are made anew, with what the image
has in them bound one by one. With ``--writable-tmpfs`` an overlay does that instead.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import stat

from emulator.runtimes.singularity.binds import Bind
from emulator.runtimes.singularity.container import Container, without_command
from emulator.runtimes.singularity.failure import Fatal, warn
from emulator.runtimes.singularity.places import resolve

_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND, _REC = 1, 2, 4, 32, 4096, 16384
_PRIVATE, _UNBINDABLE = 1 << 18, 1 << 17
_LOCKED = {
    os.ST_NOSUID: _NOSUID,
    os.ST_NODEV: _NODEV,
    os.ST_NOEXEC: 8,
    os.ST_NOATIME: 1024,
    os.ST_NODIRATIME: 2048,
}
"""What a mount of ours may not drop from the one it was made from."""
_RELATIME, _ST_RELATIME = 1 << 21, 4096


def available() -> bool:
    """Tried in a child: whether namespaces may be made and things mounted in them."""
    if platform.system() != "Linux":
        return False
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _enter()
            _mount("tmpfs", "/tmp" if os.path.isdir("/tmp") else "/", "tmpfs", 0, "mode=755")
            status = 0
        except OSError:
            status = 1
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


def run(container: Container) -> int:
    """Becomes the command. Raises Fatal, OSError."""
    passwd, group = _accounts(container)
    _enter()
    _mount("tmpfs", container.session, "tmpfs", _NOSUID | _NODEV, "mode=755")
    _mount(
        None, container.session, None, _UNBINDABLE
    )  # a home directory is bound without what is built in it
    binds = [*_files(container.session, passwd, group), *container.binds]
    image = _directory(container.session, "image")
    _mount(container.root, image, None, _BIND)
    _make_read_only(image)
    root = _overlay(container, image, binds) if container.writable else _underlay(container, image, binds)
    for number, bind in enumerate(binds):
        place = resolve(root, bind.target)
        if not os.path.lexists(place) and _in_memory(bind, binds[:number]):
            _make(place, bind)
        _bind(place, bind)
    if not container.writable:
        _mount(None, root, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    os.chroot(root)
    _go_to(container)
    return _become(container)


def _enter() -> None:
    """Raises OSError where that is not allowed."""
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0 or not _unshare(_NEWNS):
        if not _unshare(_NEWNS | _NEWUSER):
            raise OSError(ctypes.get_errno(), "no user namespaces")
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")
    _mount(None, "/", None, _REC | _PRIVATE)


def _accounts(container: Container) -> tuple[str, str]:
    """The image's /etc/passwd and /etc/group, with the caller in them."""
    import pwd

    uid, gid = os.getuid(), os.getgid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = container.environment.get("USER") or f"user{uid}"
    passwd, group = (_text(resolve(container.root, f"/etc/{file}")) for file in ("passwd", "group"))
    if not any(line.split(":")[2:3] == [str(uid)] for line in passwd.splitlines()):
        passwd += f"{name}:x:{uid}:{gid}::{container.home}:/bin/sh\n"
    if not any(line.split(":")[2:3] == [str(gid)] for line in group.splitlines()):
        group += f"{name}:x:{gid}:\n"
    return passwd, group


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
    except OSError:
        return ""
    return text if not text or text.endswith("\n") else text + "\n"


def _files(session: str, passwd: str, group: str) -> list[Bind]:
    made, place = [], _directory(session, "files")
    _mount("tmpfs", place, "tmpfs", _NOSUID | _NODEV, "mode=755")
    for name, text in (("passwd", passwd), ("group", group)):
        path = os.path.join(place, name)
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        made.append(Bind(path, f"/etc/{name}", read_only=True))
    return made


def _overlay(container: Container, image: str, binds: list[Bind]) -> str:
    root, changes = (_directory(container.session, name) for name in ("root", "changes"))
    _mount("tmpfs", changes, "tmpfs", _NOSUID | _NODEV, "mode=755")
    upper, work = _directory(changes, "upper"), _directory(changes, "work")
    try:
        _mount(
            "overlay", root, "overlay", _NOSUID | _NODEV, f"lowerdir={image},upperdir={upper},workdir={work}"
        )
    except OSError as error:
        raise Fatal(f"--writable-tmpfs is not possible with this kernel: {error}") from error
    for bind in binds:
        _make(resolve(root, bind.target), bind)
    return root


def _underlay(container: Container, image: str, binds: list[Bind]) -> str:
    root = _directory(container.session, "root")
    _mount("tmpfs", root, "tmpfs", _NOSUID | _NODEV, "mode=755")
    wanted = [bind for bind in binds if not os.path.lexists(resolve(image, bind.target))]
    anew = {image}
    for bind in wanted:
        place = os.path.dirname(resolve(image, bind.target))
        while place != image:
            if os.path.lexists(place):
                anew.add(place)
            place = os.path.dirname(place)
    _furnish(image, root, anew)
    for bind in wanted:
        _make(resolve(root, bind.target), bind)
    return root


def _furnish(source: str, target: str, anew: set[str]) -> None:
    """Show a directory of the image in one of ours; those in ``anew`` are made again, to be added to."""
    for entry in os.scandir(source):
        place = os.path.join(target, entry.name)
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), place)
        elif entry.is_dir(follow_symlinks=False):
            os.mkdir(place, 0o755)
            if entry.path in anew:
                os.chmod(place, stat.S_IMODE(entry.stat(follow_symlinks=False).st_mode) | 0o700)
                _furnish(entry.path, place, anew)
            else:
                _mount(entry.path, place, None, _BIND)
        elif entry.is_file(follow_symlinks=False):
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
            _mount(entry.path, place, None, _BIND)


def _make(place: str, bind: Bind) -> None:
    """Something to bind over. Raises Fatal where a file is in the way."""
    try:
        if not bind.source or os.path.isdir(bind.source):
            os.makedirs(place, exist_ok=True)
        elif not os.path.lexists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
    except (FileExistsError, NotADirectoryError) as error:
        raise Fatal(f"while mounting {bind.source} at {bind.target}: a file is in the way") from error


def _in_memory(bind: Bind, before: list[Bind]) -> bool:
    """Whether it goes into an empty directory that an earlier bind has put there."""
    above = [other for other in before if bind.target.startswith(other.target.rstrip("/") + "/")]
    return bool(above) and not above[-1].source


def _bind(place: str, bind: Bind) -> None:
    try:
        if not bind.source:
            _mount("tmpfs", place, "tmpfs", _NOSUID | _NODEV, "mode=1777")
            return
        _mount(bind.source, place, None, _BIND | _REC)
        if bind.read_only:
            _make_read_only(place)
    except OSError as error:
        raise Fatal(
            f"while mounting {bind.source or 'a tmpfs'} at {bind.target}: {error.strerror}"
        ) from error


def _make_read_only(place: str) -> None:
    found = os.statvfs(place).f_flag
    kept = sum(flag for given, flag in _LOCKED.items() if found & given)
    kept |= _RELATIME if found & _ST_RELATIME else 0
    _mount(None, place, None, _REMOUNT | _BIND | _RDONLY | kept)


def _go_to(container: Container) -> None:
    try:
        os.chdir(container.directory)
        return
    except OSError as error:
        if container.must_start_there:
            raise Fatal(
                f"could not set the working directory {container.directory}: {error.strerror}"
            ) from error
    for place in (container.home, "/"):
        if os.path.isdir(place):
            os.chdir(place)
            warn(f"{container.directory} is not there inside the container: it starts in {place}")
            return


def _become(container: Container) -> int:
    command, environment = container.command, container.environment
    environment["PWD"] = os.getcwd()
    found = shutil.which(command[0], path=environment["PATH"])
    if found is None:
        raise without_command(command[0])
    os.execve(found, command, environment)
    raise AssertionError("not reached")


def _directory(session: str, name: str) -> str:
    place = os.path.join(session, name)
    os.mkdir(place, 0o755)
    return place


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


_libc: ctypes.CDLL | None = None


def _c() -> ctypes.CDLL:
    global _libc
    if _libc is None:
        _libc = ctypes.CDLL(None, use_errno=True)
    return _libc


def _unshare(flags: int) -> bool:
    return int(_c().unshare(flags)) == 0


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    if _c().mount(*texts, ctypes.c_ulong(flags), os.fsencode(data) if data else None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)
