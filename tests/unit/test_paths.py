"""Paths as clients write them [files §2]."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.domain.errors import Invalid
from emulator.domain.paths import (
    OutsideRoot,
    basename,
    below,
    home_path,
    host_path,
    is_below,
    join,
    parent,
    root_path,
    shown,
    virtual_path,
)
from emulator.domain.system import StorageConfig

STORAGE = StorageConfig(host="example.org", port=22, protocol="SFTP", root_dir="/data", home_dir="/home/u")

# what makes paths dangerous or odd, mixed with plain names
PIECES = st.sampled_from(
    [
        "..",
        ".",
        "",
        " ",
        "  ",
        ".. ",
        " ..",
        "...",
        "a",
        "b c",
        "ü",
        "C:",
        "\\",
        "..\\..",
        "\n",
        "~",
        "*",
        "%2e%2e",
    ]
) | st.text(max_size=4)
AGAVE_PATHS = st.lists(PIECES, max_size=8).map("/".join)


@pytest.mark.parametrize(
    ("root", "home", "agave", "virtual", "host"),
    [
        ("/", "/home/nryan", "nryan", "/home/nryan/nryan", "/home/nryan/nryan"),
        ("/", "/home/nryan", "/nryan", "/nryan", "/nryan"),
        ("/home/nryan", "/home", "home", "/home/home", "/home/nryan/home/home"),
        ("/home/nryan", "/home", "/bgibson", "/bgibson", "/home/nryan/bgibson"),
        ("/", None, "", "/", "/"),
        ("/", "/", "", "/", "/"),
        ("/data", "/u", "", "/u", "/data/u"),
        ("/data", "u", "x", "/u/x", "/data/u/x"),
        ("/data/", "/u/", "x/", "/u/x", "/data/u/x"),
        ("//data//x/../y/", "", "", "/", "/data/y"),
        ("/../..", "", "a", "/a", "/a"),
    ],
)
def test_root_home_and_path_give_the_place(
    root: str, home: str | None, agave: str, virtual: str, host: str
) -> None:
    storage = replace(STORAGE, root_dir=root, home_dir=home)
    assert virtual_path(storage, agave) == virtual
    assert host_path(storage, virtual) == host


@pytest.mark.parametrize(
    ("agave", "virtual"),
    [
        ("", "/home/u"),
        (".", "/home/u"),
        ("..", "/home"),
        ("../..", "/"),
        ("/", "/"),
        (" ", "/"),
        (" /y", "/y"),
        ("x/ /y", "/home/u/x/y"),
        ("x// y", "/home/u/x/ y"),
        ("///x///y//", "/x/y"),
        ("a b+c%20d", "/home/u/a b+c%20d"),
        ("a\\b", "/home/u/a/b"),
        ("\\a", "/a"),
        ("C:/a", "/a"),
        ("c:a", "/home/u/a"),
        ("C:D:a", "/home/u/D:a"),
        ("name:x", "/home/u/name:x"),
        ("a  ", "/home/u/a"),
        ("a /. ", "/home/u/a"),
        ("a/ ", "/home/u/a"),
        ("~", "/home/u/~"),
        ("*.txt", "/home/u/*.txt"),
        ("line\nbreak", "/home/u/line\nbreak"),
        ("/a/./b/../c", "/a/c"),
    ],
)
def test_spellings(agave: str, virtual: str) -> None:
    assert virtual_path(STORAGE, agave) == virtual


@pytest.mark.parametrize("agave", ["/..", "../../..", "/a/../..", "..\\..\\..", "/.. ", "C:/.."])
def test_climbing_above_the_root_is_not_found(agave: str) -> None:
    with pytest.raises(OutsideRoot) as caught:
        virtual_path(STORAGE, agave)
    assert caught.value.message == (
        f"The specified path {agave} does not exist or the user does not have permission to view it."
    )


@pytest.mark.parametrize("agave", ["a\x00b", "\ud800", "/\udcff"])
def test_text_that_is_no_path(agave: str) -> None:
    with pytest.raises(Invalid, match="Invalid file path"):
        virtual_path(STORAGE, agave)


@pytest.mark.parametrize(
    ("directory", "path", "virtual"),
    [
        ("/a", "b", "/a/b"),
        ("/a", "/b", "/a/b"),
        ("/", "b/c/", "/b/c"),
        ("/a", "../b", "/b"),
        ("/a", "", "/a"),
    ],
)
def test_below_a_directory(directory: str, path: str, virtual: str) -> None:
    assert below(directory, path) == virtual


def test_pieces_of_a_path() -> None:
    assert (parent("/a/b/"), parent("/a"), parent("/")) == ("/a", "/", "/")
    assert (basename("/a/b/"), basename("/")) == ("b", "")
    assert (join("/", "a"), join("/a/", "b")) == ("/a", "/a/b")
    assert is_below("/home/al/x", "/home/al")
    assert not is_below("/home/alice", "/home/al")
    assert is_below("/x", "/")


def test_names_that_are_no_utf8_can_be_shown() -> None:
    assert shown(b"caf\xe9".decode("utf-8", "surrogateescape")) == "caf\ufffd"


@given(AGAVE_PATHS, st.sampled_from(["/", "/data", "/data/../deep/er", ".."]), AGAVE_PATHS)
def test_no_spelling_leaves_the_root(agave: str, root: str, home: str) -> None:
    storage = replace(STORAGE, root_dir=root, home_dir=home)
    try:
        virtual = virtual_path(storage, agave)
    except (OutsideRoot, Invalid):
        return
    host = host_path(storage, virtual)
    assert is_below(host, root_path(storage))
    for segments in (virtual.split("/"), host.split("/")):
        assert ".." not in segments
        assert "." not in segments
    assert "//" not in host


@given(AGAVE_PATHS)
def test_a_resolved_path_resolves_to_itself(agave: str) -> None:
    try:
        virtual = virtual_path(STORAGE, agave)
    except (OutsideRoot, Invalid):
        return
    assert virtual_path(STORAGE, virtual) == virtual
    assert below("/", virtual) == virtual


def test_home_is_below_the_root() -> None:
    assert home_path(STORAGE) == "/home/u"
    assert home_path(replace(STORAGE, home_dir=None)) == "/"
