"""``tapis-emulator env``: the lines that point the unmodified clients at the emulator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import click

from emulator.cli.options import data_path, with_settings
from emulator.data_directory import DataDirectory
from emulator.settings import Settings, flag

# Facts behind each line: [clients §0, §1.1, §1.2]. All of it is shell, so that `eval "$(tapis-emulator env)"` works.
_COMMON = """\
export TAPIS_DEFAULT_TENANT_ID=tacc.prod
{cache}
export TAPIS_DEFAULT_VERIFY_SSL=false TAPIS_CLI_VERIFY_SSL=false PYTHONWARNINGS=ignore
export TAPIS_CLI_NO_PROMPT=1 TAPIS_CLI_GA_DISABLE=true
#   tapis auth init --tenant-id tacc.prod --username {user} --password emulator --no-dockerhub
#   Agave(api_server='{url}', username='{user}', password='emulator', verify=False, tenant_id='tacc.prod')

# the bash CLI
export AGAVE_TENANTS_API_BASEURL=$EMULATOR/tenants
export AGAVE_CACHE_DIR=$TAPIS_CACHE_DIR AGAVE_JSON_PARSER=jq AGAVE_DISABLE_AUTO_REFRESH=1
#   mkdir -p $AGAVE_CACHE_DIR && tenants-init -t tacc.prod
#   clients-create -S -N cli -D desc -u {user} -p emulator && auth-tokens-create -S -u {user} -p emulator

# curl: without a token as the default user, or with the token that a client has in its cache
#   curl -s{insecure} $EMULATOR/jobs/v2
#   TOKEN=$(jq -r .access_token $TAPIS_CACHE_DIR/current)
#   curl -s{insecure} -H "Authorization: Bearer $TOKEN" $EMULATOR/profiles/v2/me
"""
_DIRECT = """\
export EMULATOR={url}
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY TAPIS_BASE_URL TAPIS_TOKEN

# tapis-cli and agavepy: the tenants listing decides where everything goes; the certificate is the emulator's own
export TAPIS_TENANTS_URL=$EMULATOR/tenants
"""
_PROXIED = """\
# the clients keep the service's own address, and reach the emulator as their proxy
export EMULATOR={url}
export HTTPS_PROXY={proxy} https_proxy={proxy}
unset http_proxy HTTP_PROXY no_proxy NO_PROXY TAPIS_BASE_URL TAPIS_TENANTS_URL TAPIS_TOKEN

# tapis-cli and agavepy
"""
_CACHE = "$HOME/.agave-emulator"
_ORDINARY_CACHE = """\
case "${TAPIS_CACHE_DIR:-$HOME/.agave-emulator}" in
  "$HOME"/.agave-emulator*) TAPIS_CACHE_DIR=$HOME/.agave-emulator;;
esac
export TAPIS_CACHE_DIR"""
_USER = "testuser"


@dataclass(frozen=True)
class Way:
    """Where clients are pointed: a URL, a user, a cache of their own when the way is not the ordinary one.

    The ordinary way leaves in use a cache that the shell has already, unless it is that of another way.
    """

    url: str
    user: str = _USER
    cache: str = ""
    proxy: str = ""


def client_lines(way: Way) -> str:
    """What ``serve`` prints at its start and ``env`` again."""
    url = way.url.rstrip("/")
    insecure = "k" if url.startswith("https:") else ""
    cache = f'export TAPIS_CACHE_DIR="{way.cache}"' if way.cache else _ORDINARY_CACHE
    common = _COMMON.format(url=url, user=way.user, cache=cache, insecure=insecure)
    return (_PROXIED if way.proxy else _DIRECT).format(url=url, proxy=way.proxy) + common


def announced_url(settings: Settings, url: str | None) -> str:
    """The URL given, else that of the server on the data directory, else the configured address."""
    if url:
        return url
    found = DataDirectory(data_path(settings)).announced()
    if found is not None:
        return str(found["url"])
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0") else settings.host
    return f"http://{host}:{settings.port}"


@click.command("env")
@click.option("--url", help="of an emulator elsewhere; default: the one that serves the data directory")
@click.option("--listener", "name", help="of another listener, by its name; `tls` is the port for TLS alone")
@click.option("--user", help="of a listener that acts as this user")
@click.option("--proxy", is_flag=True, help="for clients that keep the service's own address")
@partial(with_settings, without="listener")
def command(settings: Settings, url: str | None, name: str | None, user: str | None, proxy: bool) -> None:
    """Print export lines for tapis-cli, agavepy, the bash CLI and curl: eval "$(tapis-emulator env)"."""
    way = Way(announced_url(settings, url))
    if name or user:
        way = _listener(way.url, name, user)
    if proxy:
        way = _through(way, settings, name or user)
    click.echo(client_lines(way), nl=False)


def _listener(url: str, name: str | None, user: str | None) -> Way:
    from emulator.cli.control import NoAnswer, ask

    try:
        listeners = ask(url, "listeners")
    except NoAnswer as error:
        raise click.ClickException(str(error)) from error
    for listener in listeners:
        if listener["open"] and name in (None, listener["name"]) and user in (None, listener["user"]):
            cache = f"{_CACHE}-{listener['name']}"
            return Way(listener["url"], user=listener["user"], cache=cache)
    wanted = f"named {name}" if name else f"that acts as {user}"
    raise click.ClickException(f"no open listener {wanted}; see: tapis-emulator listener list, add")


def _through(way: Way, settings: Settings, name: str | None) -> Way:
    hosts = [host.strip() for host in settings.stand_in_for.split(",") if host.strip()]
    if not hosts:
        raise click.ClickException(
            f"the emulator stands in for nobody: {flag('server.stand_in_for')} is empty"
        )
    if not way.url.startswith("http:"):
        raise click.ClickException("clients speak plain HTTP to a proxy; this listener speaks TLS alone")
    cache = f"{_CACHE}-{name}-proxy" if name else f"{_CACHE}-proxy"
    return Way(f"https://{hosts[0]}", user=way.user, cache=cache, proxy=way.url)
