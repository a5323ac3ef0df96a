"""The emulator's own singularity, as the file that it is, and images for it in every form."""

import io
import os
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

import docker
import pytest

from emulator.cluster import apt
from emulator.runtimes.singularity_file import install

LAUNCH = b"#!/usr/bin/env run-singularity\n"
COURSE = Path(__file__).parents[3] / "fixtures/course/app-bundle"


@pytest.fixture(scope="session")
def squashfs_tools():
    if not (shutil.which("mksquashfs") and shutil.which("unsquashfs")):
        try:
            apt.install("squashfs-tools")
        except apt.AptFailed as reason:
            if os.environ.get("CI", "").lower() in ("1", "true"):
                pytest.fail(f"CI may leave nothing out: {reason}")
            pytest.skip(str(reason))


@pytest.fixture(scope="session", autouse=True)
def imported_images(docker_engine):
    """What calls have imported into the engine goes at the end."""
    client = docker.APIClient(base_url=docker_engine.host, timeout=300)
    before = {tag for image in client.images("tapis-emulator-singularity") for tag in image["RepoTags"] or ()}
    yield
    for image in client.images("tapis-emulator-singularity"):
        for tag in set(image["RepoTags"] or ()) - before:
            try:
                client.remove_image(tag)
            except docker.errors.APIError as error:
                print(f"{tag} stays: {error}")  # another worker uses it, who removes it then
    client.close()


@pytest.fixture(scope="session")
def commands(tmp_path_factory):
    """The directory with ``singularity`` and ``apptainer``."""
    directory = tmp_path_factory.mktemp("commands")
    install(directory)
    return directory


@pytest.fixture
def place(tmp_path):
    """Where calls are made: not below /tmp, which every container sees anyway."""
    return tmp_path


@pytest.fixture
def call(commands, docker_engine, tmp_path_factory, tmp_path):
    """Run a command; keyword arguments beyond those of ``subprocess.run`` are variables."""
    cache = tmp_path_factory.mktemp("cache")

    def run(*words, backend="", name="singularity", directory=None, given=b"", **variables):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "DOCKER_HOST": docker_engine.host,
            "SINGULARITY_CACHEDIR": str(cache),
            "TAPIS_EMULATOR_SINGULARITY": backend,
        }
        return subprocess.run(
            [commands / name, *words],
            input=given,
            capture_output=True,
            cwd=directory or tmp_path,
            env={key: value for key, value in {**environment, **variables}.items() if value is not None},
            timeout=120,
        )

    return run


@pytest.fixture(scope="session")
def busybox_archive(docker_engine, busybox_image, tmp_path_factory):
    return _saved(docker_engine, busybox_image, tmp_path_factory.mktemp("busybox") / "busybox.tar")


def _saved(engine, image, path):
    client = docker.APIClient(base_url=engine.host)
    with path.open("wb") as file:
        for piece in client.get_image(image):
            file.write(piece)
    client.close()
    return path


@pytest.fixture(scope="session")
def busybox_tree(docker_engine, busybox_image, tmp_path_factory):
    """The image's root as a directory, with a runscript and variables as the real command makes them."""
    root = tmp_path_factory.mktemp("tree") / "root"
    client = docker.APIClient(base_url=docker_engine.host)
    made = client.create_container(busybox_image, ["true"])
    content = b"".join(client.export(made["Id"]))
    client.remove_container(made["Id"])
    client.close()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        members = [m for m in tar if not m.name.startswith(("dev/", "proc/", "sys/"))]
        tar.extractall(root, members, filter="tar")
    meta = root / ".singularity.d"
    (meta / "env").mkdir(parents=True)
    (meta / "env/10-own.sh").write_text('export OWN="${OWN:-of the image}" FIXED=fixed\n')
    (meta / "labels.json").write_text('{"maker": "tests"}')
    (meta / "runscript").write_text('#!/bin/sh\necho "run with $# arguments: $*"\n')
    (meta / "runscript").chmod(0o755)
    return root


def squashed(tree, path):
    subprocess.run(
        ["mksquashfs", tree, path, "-quiet", "-noappend", "-no-progress"], check=True, capture_output=True
    )
    return path


def sif(squashfs, path, **changes):
    """A SIF by the format's description: a definition file, then the primary partition."""
    content = squashfs.read_bytes()
    numbers = {"total": 2, "table": 128, "table_size": 2 * 585, "kind": 0x4004, "fs": 1, "role": 2} | changes
    start = 128 + 2 * 585 + 16
    numbers = {"offset": start, "length": len(content)} | numbers
    header = struct.pack(
        "<32s10s3s3s16sqqqqqqqq", LAUNCH, b"SIF_MAGIC\0", b"01\0", b"02\0", b"u" * 16, 1, 1, 0,
        numbers["total"], numbers["table"], numbers["table_size"], start, len(content),
    )  # fmt: skip
    definition = struct.pack(
        "<i?IIIqqqqqqq128s384s", 0x4001, True, 1, 1, 0, 128 + 2 * 585, 16, 16, 1, 1, 0, 0, b"def", b""
    )
    extra = struct.pack("<ii3s", numbers["fs"], numbers["role"], b"02\0")
    partition = struct.pack(
        "<i?IIIqqqqqqq128s384s", numbers["kind"], True, 2, 1, 0, numbers["offset"], numbers["length"],
        len(content), 1, 1, 0, 0, b"root", extra,
    )  # fmt: skip
    path.write_bytes(header + definition + partition + b"bootstrap: test\n" + content)
    return path


@pytest.fixture(scope="session")
def forms(squashfs_tools, busybox_archive, busybox_tree, tmp_path_factory):
    """The same image in all forms, by name."""
    place = tmp_path_factory.mktemp("forms")
    plain = squashed(busybox_tree, place / "image.sqsh")
    old = place / "image.simg"
    old.write_bytes(LAUNCH + plain.read_bytes())
    return {
        "sif": sif(plain, place / "image.sif"),
        "squashfs": plain,
        "simg": old,
        "directory": busybox_tree,
        "docker-archive": busybox_archive,
    }


@pytest.fixture(scope="session")
def classifier_image(squashfs_tools, docker_engine, python_image, tmp_path_factory):
    """The course's image by name and form: Python, and the classifier at /classify_image.py."""
    place = tmp_path_factory.mktemp("classifier")
    tree = place / "tree"
    client = docker.APIClient(base_url=docker_engine.host)
    made = client.create_container(python_image, ["true"])
    with (place / "tree.tar").open("wb") as file:
        for piece in client.export(made["Id"]):
            file.write(piece)
    client.remove_container(made["Id"])
    client.close()
    with tarfile.open(place / "tree.tar") as tar:
        tar.extractall(
            tree, [m for m in tar if m.isreg() or m.isdir() or m.issym() or m.islnk()], filter="tar"
        )
    (place / "tree.tar").unlink()
    for source in COURSE.glob("*.*"):
        if source.name != "wrapper.sh":
            shutil.copy(source, tree / source.name)
    (tree / "classify.py").rename(tree / "classify_image.py")
    squashed(tree, place / "plain")
    shutil.rmtree(tree)
    image = place / "pearc19-classifier.simg"
    with image.open("wb") as file, (place / "plain").open("rb") as plain:
        file.write(LAUNCH)
        shutil.copyfileobj(plain, file)
    (place / "plain").unlink()
    return image
