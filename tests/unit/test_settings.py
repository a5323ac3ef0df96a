"""One table of options, three sources [settings]."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.settings import BadSetting, flag, load, options, variable
from emulator.ways_in import port_range


def test_a_flag_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    config = tmp_path / "emulator.yaml"
    config.write_text("server: {port: 1, host: file}\nauth: {anonymous: no}\n")
    environment = {"TAPIS_EMULATOR_SERVER_HOST": "environment", "TAPIS_EMULATOR_SERVER_PORT": "2"}
    settings = load({"port": 3, "host": None}, environment, config)
    assert (settings.port, settings.host, settings.anonymous) == (3, "environment", False)
    assert settings.page_max == 250


def test_images_come_as_a_mapping_from_every_source(tmp_path: Path) -> None:
    config = tmp_path / "emulator.yaml"
    config.write_text("engine:\n  images: {'wc-*': 'debian:12', stampede2: busybox}\n")
    assert load({}, {}, config).images == {"wc-*": "debian:12", "stampede2": "busybox"}
    assert load({}, {"TAPIS_EMULATOR_ENGINE_IMAGES": "a=b:1,c=d"}).images == {"a": "b:1", "c": "d"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("server: {prot: 1}", "server.prot"),
        ("server: {port: many}", "server.port"),
        ("auth: {anonymous: perhaps}", "auth.anonymous"),
        ("- a list", "mapping"),
        ("a: {b: [", "emulator.yaml"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    config = tmp_path / "emulator.yaml"
    config.write_text(text)
    with pytest.raises(BadSetting, match=named):
        load({}, {}, config)


def test_a_mistake_in_the_environment_names_the_variable() -> None:
    with pytest.raises(BadSetting, match="TAPIS_EMULATOR_JOBS_TIME_SCALE"):
        load({}, {"TAPIS_EMULATOR_JOBS_TIME_SCALE": "fast"})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("runtime", "teleport", "process or docker"),
        ("port", 70000, "between 0 and 65535"),
        ("workers", 0, "1 or more"),
        ("time_scale", 0.0, "between 1e-06"),
    ],
)
def test_a_flag_out_of_bounds_says_what_is_within(name: str, value: object, allowed: str) -> None:
    key = next(option.metadata["key"] for option in options() if option.name == name)
    with pytest.raises(BadSetting, match=f"^{flag(key)}: {key} cannot be {value!r}: it .*{allowed}"):
        load({name: value}, {})


def test_a_flag_that_is_none_says_what_was_meant() -> None:
    """As tests may give one to a server of their own."""
    with pytest.raises(
        BadSetting, match=r"^there is no option token_lifetme; did you mean token_lifetime\?$"
    ):
        load({"token_lifetme": 60}, {})


def test_words_are_taken_in_any_case() -> None:
    assert load({"log_level": "debug", "runtime": "Docker"}, {}).log_level == "DEBUG"


def test_every_default_is_allowed() -> None:
    settings = load({}, {})
    assert load({option.name: getattr(settings, option.name) for option in options()}, {}) == settings


def test_names_are_unique_in_every_form() -> None:
    keys = [option.metadata["key"] for option in options()]
    for form in (flag, variable):
        assert len({form(key) for key in keys}) == len(keys)
    assert all(option.metadata["help"] for option in options())


def test_ports_of_listeners_are_a_range() -> None:
    assert list(port_range("8001-8003")) == [8001, 8002, 8003]
    assert list(port_range(" 9000 ")) == [9000]
    assert not port_range("")


@pytest.mark.parametrize(
    "text", ["8003-8001", "0-10", "1-65536", "a-b", "8001-", "-8001", "8001,8002", "²-³"]
)
def test_ports_that_are_no_range_are_refused(text: str) -> None:
    with pytest.raises(BadSetting, match=r"--listener-ports: .* is not FIRST-LAST, as in 8001-8020"):
        port_range(text)
