"""``tapis-emulator hpc``: a cluster in a container, and the host map's lines that lead there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.options import data_path
from emulator.cluster.container import ACCOUNT, NAME, PORT
from emulator.resources import fixtures
from emulator.settings import BadSetting, Settings, load

if TYPE_CHECKING:
    from emulator.cluster.container import Cluster, Reached
    from emulator.cluster.keys import KeyRing
    from emulator.cluster.registration import HostMapFile


def _container_name(_ctx: click.Context, _parameter: click.Parameter, name: str) -> str:
    """It names files and lines too. Raises BadParameter."""
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}", name):
        raise click.BadParameter(
            f"{name!r} is not 2 to 63 letters, digits, _ . and -, a letter or digit first"
        )
    return name


_NAME = click.option(
    "--name", default=NAME, callback=_container_name, show_default=True, help="of the container"
)


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """The few options of the emulator that matter here: ``--port`` and ``--host`` are the cluster's."""

    @wraps(command)
    def call(config: Path | None, data_dir: str | None, seed_file: str | None, **arguments: Any) -> None:
        try:
            settings = load({"data_dir": data_dir, "seed_file": seed_file}, config=config)
        except BadSetting as error:
            raise click.ClickException(str(error)) from error
        command(settings, **arguments)

    decorated: Callable[..., None] = call
    decorated = click.option("--seed-file", help="that the emulator is started with")(decorated)
    decorated = click.option("--data-dir", help="of the emulator")(decorated)
    path = click.Path(path_type=Path, dir_okay=False)
    return click.option("--config", type=path, envvar="TAPIS_EMULATOR_CONFIG", help="YAML file of options")(
        decorated
    )


@click.group("hpc")
def command() -> None:
    """A cluster in a box: a container with sshd and Slurm that stands behind the execution systems' hosts."""


@command.command()
@click.option("--nodes", type=click.IntRange(1, 64), help="compute nodes (default 1)")
@click.option(
    "--port", type=click.IntRange(0, 65535), help=f"of 127.0.0.1; 0 takes a free one (default {PORT})"
)
@_NAME
@click.option("--host", "hosts", multiple=True, metavar="PATTERN", help="host name to map (repeatable)")
@click.option(
    "--rebuild", is_flag=True, help="build the image and make the container anew; its jobs are lost"
)
@_with_settings
def up(
    settings: Settings, nodes: int | None, port: int | None, name: str, hosts: tuple[str, ...], rebuild: bool
) -> None:
    """Build the image (once), start the cluster, and map the execution systems' hosts to it."""
    from emulator.cluster.hosts import default_hosts
    from emulator.cluster.image import cluster_image

    keys, map_file = _keys(settings, name), _map_file(settings)
    with _cluster(name) as cluster:
        mapped = list(hosts) or list(map_file.registered(name)) or default_hosts(settings.seed_file)
        map_file.check_free(name, mapped)
        image = cluster_image(cluster.client, rebuild, say=click.echo)
        if rebuild:
            cluster.down()
        started = cluster.up(image, nodes, port)
        cluster.authorize(keys.public_key())
        reached = cluster.reached()
        keys.write_ssh_config(reached)
        target = {
            "ssh": f"{reached.address}:{reached.port}",
            "user": ACCOUNT,
            "key_file": str(keys.private),
            "host_key": reached.host_key,
        }
        map_file.register(name, mapped, target)
        _announce(cluster, reached, keys, mapped, started)


@command.command()
@_NAME
@_with_settings
def status(settings: Settings, name: str) -> None:
    """Show the container, its nodes and queue, and what is mapped to it; exit 1 when it does not run."""
    with _cluster(name) as cluster:
        state = cluster.state()
        hosts = _map_file(settings).registered(name)
        click.echo(f"container  {name}: {state or 'none'}")
        click.echo(f"hosts      {', '.join(hosts) or 'none mapped in this data directory'}")
        if state != "running":
            raise click.ClickException(f"{name} does not run; tapis-emulator hpc up")
        reached = cluster.reached()
        click.echo(f"sshd       {reached.address}:{reached.port}")
        if hosts and (stale := _stale(hosts, reached)):
            click.echo(f"           the map is out of date for {', '.join(stale)}: tapis-emulator hpc up")
        code, said = cluster.run("cluster", "health")
        if code:
            raise click.ClickException(f"{name} runs, but it is not well: {said}")
        for question in (["sinfo", "--summarize"], ["squeue"]):
            code, said = cluster.run(*question)
            click.echo(f"\n$ {' '.join(question)}\n{said.rstrip()}")
            if code:
                raise click.ClickException(f"{name}: {question[0]} fails")


@command.command()
@_NAME
@_with_settings
def down(settings: Settings, name: str) -> None:
    """Remove the container with all that is in it, and the host map's lines; fine when there is none."""
    map_file = _map_file(settings)
    with _cluster(name) as cluster:
        removed = cluster.down()
        hosts = map_file.unregister(name)
    click.echo(f"{name} is gone" if removed else f"there was no {name}")
    if hosts:
        click.echo(f"sandboxes again: {', '.join(hosts)}")


@contextmanager
def _cluster(name: str) -> Iterator[Cluster]:
    """The container of this name, and every failure in words."""
    from emulator.cluster.base_image import ImageUnavailable
    from emulator.cluster.container import Cluster, ClusterFailed
    from emulator.cluster.engine import NoEngine, connect
    from emulator.cluster.hosts import NoHosts
    from emulator.cluster.registration import CannotRegister

    try:
        with closing(connect()) as client:
            yield Cluster(client, name)
    except (NoEngine, ImageUnavailable, ClusterFailed, CannotRegister, NoHosts, OSError) as error:
        raise click.ClickException(str(error)) from error


def _map_file(settings: Settings) -> HostMapFile:
    from emulator.cluster.registration import HostMapFile

    return HostMapFile(data_path(settings) / "hosts.yaml")


def _keys(settings: Settings, name: str) -> KeyRing:
    from emulator.cluster.keys import KeyRing

    return KeyRing(data_path(settings) / "hpc" / name)


def _stale(hosts: dict[str, dict[str, str]], reached: Reached) -> list[str]:
    now = f"{reached.address}:{reached.port}"
    return [
        host
        for host, target in hosts.items()
        if (target["ssh"], target["host_key"]) != (now, reached.host_key)
    ]


def _announce(cluster: Cluster, reached: Reached, keys: KeyRing, hosts: list[str], started: bool) -> None:
    """What there is now, and what to type next."""
    from emulator.cluster.keys import ALIAS

    nodes = cluster.nodes()
    ssh = f"ssh -F {shlex.quote(str(keys.ssh_config))} {ALIAS}"
    given = click.get_current_context().params.get("data_dir")
    data = f" --data-dir {shlex.quote(given)}" if given else ""
    name = f" --name {cluster.name}" if cluster.name != NAME else ""
    click.echo(
        f"{cluster.name} {'is up' if started else 'runs already'}: Slurm with {nodes} compute "
        f"{'node' if nodes == 1 else 'nodes'}, sshd on {reached.address}:{reached.port}"
    )
    click.echo("These hosts are this cluster now, also for an emulator that runs already:")
    for host in hosts:
        click.echo(f"  {host}")
    click.echo(f"""
Next:
  tapis-emulator serve{data}                # in another terminal, if none runs
  eval "$(tapis-emulator env{data})"
  tapis auth init --tenant-id tacc.prod --username testuser --password emulator --no-dockerhub
  tapis jobs submit -F {shlex.quote(str(_course("job-public.json")))}
  {ssh} squeue
  {ssh} sacct -c
  tapis-emulator hpc down{data}{name}       # undo: sandboxes again""")


def _course(name: str) -> Path:
    return fixtures() / "course" / name
