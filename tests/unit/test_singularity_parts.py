"""The parts of the emulator's own singularity that read what others have written: whole, damaged and hostile."""

import gzip
import hashlib
import io
import json
import os
import random
import stat
import subprocess
import sys
import tarfile

import pytest

from emulator.runtimes.singularity import archives, options, packing
from emulator.runtimes.singularity.archives import Configuration
from emulator.runtimes.singularity.binds import Bind, view
from emulator.runtimes.singularity.cache import Cache, Unpacked
from emulator.runtimes.singularity.container import container
from emulator.runtimes.singularity.failure import Fatal
from emulator.runtimes.singularity.layers import unpack_layer
from emulator.runtimes.singularity.places import resolve
from emulator.runtimes.singularity.sif import squashfs_in
from emulator.runtimes.singularity_file import install, singularity_file
from tests.live.containers.conftest import LAUNCH, sif

# SIF

SYSTEM = b"hsqs" + bytes(range(256)) * 8


@pytest.fixture
def plain(tmp_path):
    path = tmp_path / "plain"
    path.write_bytes(SYSTEM)
    return path


def read_back(content, extent):
    return content[extent.offset : extent.offset + extent.size]


def test_where_the_file_system_lies(plain, tmp_path):
    whole = sif(plain, tmp_path / "a.sif").read_bytes()
    for content in (SYSTEM, LAUNCH + SYSTEM, whole):
        extent = squashfs_in(io.BytesIO(content))
        assert extent is not None
        assert read_back(content, extent) == SYSTEM
    for content in (b"", b"hsq", b"#!/bin/sh\n", LAUNCH, LAUNCH + b"#!"):
        assert squashfs_in(io.BytesIO(content)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"total": -1},
        {"total": 2**62},
        {"total": 4097},
        {"total": 0},
        {"table": -5},
        {"table": 2**62},
        {"table": 0},
        {"table_size": -1},
        {"offset": -1},
        {"offset": 2**62},
        {"offset": 200},
        {"length": -1},
        {"length": 0},
        {"length": 2**62},
        {"kind": 0x4005},
        {"fs": 2},
        {"fs": 5},
        {"role": 4},
    ],
)
def test_a_damaged_sif_is_refused(plain, tmp_path, changes):
    with sif(plain, tmp_path / "a.sif", **changes).open("rb") as file:
        with pytest.raises(Fatal, match=r"SIF|file system"):
            squashfs_in(file)


def test_a_sif_cut_short_anywhere(plain, tmp_path):
    whole = sif(plain, tmp_path / "a.sif").read_bytes()
    for length in range(0, len(whole) - 1, 7):
        try:
            assert squashfs_in(io.BytesIO(whole[:length])) is None
            assert length < 42
        except Fatal:
            assert length >= 42


def test_a_sif_with_any_byte_changed(plain, tmp_path):
    whole = sif(plain, tmp_path / "a.sif").read_bytes()
    chance = random.Random(4)
    for _ in range(2000):
        content = bytearray(whole)
        content[chance.randrange(128 + 2 * 585)] = chance.randrange(256)
        try:
            extent = squashfs_in(io.BytesIO(bytes(content)))
        except Fatal:
            continue
        if extent is not None:
            assert extent.offset >= 0
            assert extent.offset + extent.size <= len(whole)


# layers


def layer(*members):
    """A tar of (name, kind, content or target, mode)."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, kind, what, mode in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, mode
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = what
                tar.addfile(info)
            else:
                info.size = len(what)
                tar.addfile(info, io.BytesIO(what))
    return content.getvalue()


def file(name, content=b"x", mode=0o644):
    return (name, tarfile.REGTYPE, content, mode)


def link(name, target):
    return (name, tarfile.SYMTYPE, target, 0o777)


def hard(name, target):
    return (name, tarfile.LNKTYPE, target, 0o644)


def directory(name, mode=0o755):
    return (name, tarfile.DIRTYPE, b"", mode)


@pytest.fixture
def root(tmp_path):
    made = tmp_path / "root"
    made.mkdir()
    return made


def put(root, *members):
    unpack_layer(io.BytesIO(layer(*members)), str(root))


@pytest.mark.parametrize("name", ["../out", "a/../../out", "a/b/../../../out", ".."])
def test_names_that_lead_outside(root, name):
    with pytest.raises(Fatal, match="leads outside"):
        put(root, file(name))
    assert not list(root.parent.glob("out"))


def test_links_that_lead_outside_lead_inside(root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    put(
        root,
        link("abs", str(outside)),
        link("up", "../outside"),
        file("abs/a"),
        file("up/b"),
        link("f", "/etc/x"),
        file("f"),
    )
    assert not list(outside.iterdir())
    assert (root / str(outside).lstrip("/") / "a").exists()
    assert (root / "outside/b").exists()
    assert (root / "f").is_file() and not (root / "f").is_symlink()


def test_a_hard_link_reaches_nothing_outside(root, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for target in ("../secret", str(secret), "missing", "/etc/passwd"):
        with pytest.raises(Fatal, match="link to no file"):
            put(root, hard("stolen", target))
    put(root, file("own", b"mine"), hard("again", "own"))
    assert (root / "again").read_bytes() == b"mine"


def test_circles_of_links(root):
    with pytest.raises(Fatal, match="circle"):
        put(root, link("a", "b"), link("b", "a"), file("a/x"))
    with pytest.raises(Fatal, match="circle"):
        resolve(str(root), "/a/b/c")


def test_devices_pipes_and_borrowed_rights(root):
    odd = [("null", tarfile.CHRTYPE), ("disk", tarfile.BLKTYPE), ("pipe", tarfile.FIFOTYPE)]
    put(root, *((name, kind, b"", 0o666) for name, kind in odd),
        file("su", mode=0o6755), directory("tmp", 0o1777), directory("locked", 0o000), file("locked/x"))  # fmt: skip
    assert sorted(path.name for path in root.iterdir()) == ["locked", "su", "tmp"]
    assert stat.S_IMODE((root / "su").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777
    assert (root / "locked/x").read_bytes() == b"x"


def test_a_later_layer_hides_and_replaces(root):
    put(
        root,
        file("a"),
        file("d/old"),
        file("d/sub/x"),
        directory("usr/lib"),
        link("lib", "usr/lib"),
        file("e/keep"),
    )
    put(
        root, file(".wh.a"), file("d/new"), file("d/.wh..wh..opq"), file("lib/y"), directory("lib"), file("e")
    )
    assert not (root / "a").exists()
    assert [path.name for path in (root / "d").iterdir()] == ["new"]
    assert (root / "usr/lib/y").exists() and (root / "lib").is_symlink()
    assert (root / "e").is_file()


@pytest.mark.parametrize("name", [".wh.", ".wh...", ".wh.."])
def test_odd_whiteouts(root, name):
    put(root, file("keep"))
    with pytest.raises(Fatal, match="damaged"):
        put(root, file(name))
    assert (root / "keep").exists()


def test_layers_cut_short_or_of_rubbish(root):
    content = gzip.compress(layer(file("a", os.urandom(50_000))))
    for broken in (content[:-3000], content[:40], b"rubbish" * 1000, b"\x1f\x8b" + b"\0" * 100):
        with pytest.raises(Fatal, match="damaged"):
            unpack_layer(io.BytesIO(broken), str(root))


def test_unicode_and_awkward_names(root):
    put(root, file("é 漢字"), file("new\nline"), file("-rf"), file("a'b\"c"))
    assert {path.name for path in root.iterdir()} == {"é 漢字", "new\nline", "-rf", "a'b\"c"}


# archives


def saved(path, manifest=None, **entries):
    """An archive with documents and layers under their names."""
    with tarfile.open(path, "w") as tar:
        for name, content in ({"manifest.json": manifest} | entries).items():
            if content is None:
                continue
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return str(path)


def test_a_docker_archive(tmp_path, root):
    config = {"config": {"Env": ["A=b"], "Cmd": "ls -l", "Entrypoint": None, "Labels": {"x": "y"}}}
    path = saved(tmp_path / "a", [{"Config": "c.json", "Layers": ["l1", "l2"]}], **{
        "c.json": config, "l1": layer(file("one")), "l2": gzip.compress(layer(file("two")))})  # fmt: skip
    assert archives.is_archive(path)
    assert archives.unpack(path, str(root)) == Configuration(
        ["A=b"], [], ["/bin/sh", "-c", "ls -l"], {"x": "y"}
    )
    assert sorted(path.name for path in root.iterdir()) == ["one", "two"]


def digest(content):
    return hashlib.sha256(content).hexdigest()


def test_an_oci_archive(tmp_path, root):
    config = json.dumps({"config": {"Cmd": ["a"]}}).encode()
    content = layer(file("one"))
    manifest = json.dumps(
        {
            "config": {"digest": f"sha256:{digest(config)}"},
            "layers": [{"digest": f"sha256:{digest(content)}"}],
        }
    ).encode()
    index = {"manifests": [{"digest": f"sha256:{digest(manifest)}"}]}
    blobs = {f"blobs/sha256/{digest(blob)}": blob for blob in (config, content, manifest)}
    path = saved(tmp_path / "a", **{"index.json": index}, **blobs)
    assert archives.unpack(path, str(root)).command == ["a"]
    assert [path.name for path in root.iterdir()] == ["one"]


@pytest.mark.parametrize(
    ("manifest", "entries"),
    [
        ([], {}),
        ({}, {}),
        ([{"Config": "c"}], {"c": {}}),
        ([{"Config": "missing", "Layers": []}], {}),
        ([{"Config": "c", "Layers": ["../../etc/passwd"]}], {"c": {}}),
        ([{"Config": "c", "Layers": ["x"] * 1000}], {"c": {}}),
        ([{"Config": "c", "Layers": []}], {"c": b"[" * 100_000}),
        ([{"Config": "c", "Layers": []}], {"c": {"config": {"Env": 7}}}),
        (b"not json", {}),
        (b"\xff\xfe", {}),
        (None, {"index.json": {"manifests": []}}),
        (None, {"index.json": {"manifests": [{"digest": "sha256:00"}]}}),
        (
            None,
            {
                "index.json": {"manifests": [{"digest": "sha256:a"}]},
                "blobs/sha256/a": {"manifests": [{"digest": "sha256:a"}]},
            },
        ),
        (None, {"index.json": {"manifests": [{}, {}]}}),
    ],
)
def test_damaged_archives(tmp_path, root, manifest, entries):
    with pytest.raises(Fatal):
        archives.unpack(saved(tmp_path / "a", manifest, **entries), str(root))


def test_a_tar_of_something_else(tmp_path):
    path = saved(tmp_path / "a", other={"x": 1})
    with pytest.raises(Fatal, match=r"no manifest\.json"):
        archives.is_archive(path)
    (tmp_path / "b").write_bytes(b"no tar at all")
    assert not archives.is_archive(str(tmp_path / "b"))


def test_a_link_to_itself_in_an_archive(tmp_path, root):
    with tarfile.open(tmp_path / "a", "w") as tar:
        for name in ("manifest.json", "x"):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, name
            tar.addfile(info)
    with pytest.raises(Fatal):
        archives.unpack(str(tmp_path / "a"), str(root))


# the command line


def test_options_end_at_the_image():
    found = options.action("exec", ["-ec", "-B/a:/b", "--bind=/c", "-B", "/d", "image", "--bogus", "-x"])
    assert found.all("bind") == ["/a:/b", "/c", "/d"]
    assert "cleanenv" in found and "contain" in found
    assert found.rest == ["image", "--bogus", "-x"]


def test_two_dashes_end_them_too():
    assert options.action("exec", ["--", "-image", "x"]).rest == ["-image", "x"]


def test_a_switch_can_be_off():
    assert "cleanenv" not in options.action("exec", ["--cleanenv=false", "i"])
    with pytest.raises(Fatal, match="invalid argument"):
        options.action("exec", ["--cleanenv=perhaps", "i"])


def test_what_all_containment_is():
    found = options.action("run", ["-C", "i"])
    assert "contain" in found and "cleanenv" in found


# what is seen inside


def test_binds_by_option_and_variable(tmp_path):
    for name in ("a", "b c", "d"):
        (tmp_path / name).mkdir()
    given = options.action("exec", ["-B", f"{tmp_path}/a:/x:ro,{tmp_path}/b c", "i"])
    seen = view(given, {"HOME": str(tmp_path), "APPTAINER_BIND": f"{tmp_path}/d:/x/y"})
    assert Bind(f"{tmp_path}/a", "/x", read_only=True) in seen.binds
    assert Bind(f"{tmp_path}/b c", f"{tmp_path}/b c") in seen.binds
    assert Bind(f"{tmp_path}/d", "/x/y") in seen.binds
    assert seen.home == str(tmp_path)


@pytest.mark.parametrize("text", ["/etc:/", "/etc:relative", "/etc:/x:rwx", ":/x", "/etc://", "/etc:/x/.."])
def test_binds_that_cannot_be(text):
    with pytest.raises(Fatal):
        view(options.action("exec", ["-B", text, "i"]), {"HOME": "/root"})


def test_the_system_is_never_hidden_by_where_we_are(monkeypatch):
    monkeypatch.chdir("/usr")
    targets = {bind.target for bind in view(options.action("exec", ["i"]), {"HOME": "/"}).binds}
    assert not targets & {"/", "/usr"}


@pytest.mark.parametrize(
    ("entrypoint", "command", "words", "wanted"),
    [
        ([], ["/bin/bash"], [], ["/bin/bash"]),
        ([], ["/bin/bash"], ["python", "x"], ["python", "x"]),
        (["tool"], ["default"], [], ["tool", "default"]),
        (["tool", "-v"], ["default"], ["mine"], ["tool", "-v", "mine"]),
        ([], [], [], ["/bin/sh"]),
    ],
)
def test_what_run_runs(root, entrypoint, command, words, wanted):
    image = Unpacked(str(root), Configuration(entrypoint=entrypoint, command=command))
    made = container("run", "image", image, options.action("run", ["image", *words]), "/session")
    assert made.command == wanted


# the cache, and the file


def test_an_image_that_cannot_be_unpacked_leaves_nothing(tmp_path):
    cache = Cache(str(tmp_path))

    def broken(root):
        put(type(tmp_path)(root), directory("locked", 0o000), file("locked/x"))
        raise Fatal("broken")

    with pytest.raises(Fatal, match="broken"):
        cache.image("sha256:a", broken)
    assert not [path for path in (tmp_path / "tapis-emulator").iterdir() if not path.name.startswith(".")]
    assert cache.image("sha256:a", lambda root: Configuration(command=["x"])).configuration.command == ["x"]
    assert cache.image("sha256:a", broken).configuration.command == ["x"], "once only"


def test_a_changed_file_has_another_digest(tmp_path):
    cache, path = Cache(str(tmp_path / "cache")), tmp_path / "image"
    path.write_bytes(b"one")
    first = cache.digest_of(str(path))
    assert cache.digest_of(str(path)) == first == f"sha256:{digest(b'one')}"
    path.write_bytes(b"two")
    assert cache.digest_of(str(path)) != first


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("docker://a/b:c", "b_c.sif"),
        ("docker://b", "b_latest.sif"),
        ("docker://h:5/x/y@sha256:0", "y_latest.sif"),
    ],
)
def test_names_of_pulled_images(image, name):
    assert packing.file_name(image) == name


def test_the_file_is_always_the_same_and_runs_alone(tmp_path):
    assert singularity_file() == singularity_file()
    assert singularity_file("/x" * 100).startswith(b"#!/usr/bin/env python3\n")
    for path in install(tmp_path):
        done = subprocess.run([sys.executable, "-I", path, "--version"], capture_output=True, cwd="/", env={})
        assert done.stdout.decode() == f"{path.name} version 3.8-tapis-emulator\n", done.stderr
