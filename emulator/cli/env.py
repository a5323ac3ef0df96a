"""``tapis-emulator env``: the lines that point the unmodified clients at the emulator."""

from __future__ import annotations

import click

from emulator.cli.options import data_path, with_settings
from emulator.data_directory import DataDirectory
from emulator.settings import Settings

# Facts behind each line: [clients §1.1, §1.2]. All of it is shell, so that `eval "$(tapis-emulator env)"` works.
_LINES = """\
export EMULATOR={url}
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY TAPIS_BASE_URL TAPIS_TOKEN

# tapis-cli and agavepy: the tenants listing decides where everything goes; the certificate is self-signed
export TAPIS_TENANTS_URL=$EMULATOR/tenants
export TAPIS_DEFAULT_TENANT_ID=tacc.prod
export TAPIS_CACHE_DIR="${{TAPIS_CACHE_DIR:-$HOME/.agave-emulator}}"
export TAPIS_DEFAULT_VERIFY_SSL=false TAPIS_CLI_VERIFY_SSL=false PYTHONWARNINGS=ignore
export TAPIS_CLI_NO_PROMPT=1 TAPIS_CLI_GA_DISABLE=true
#   tapis auth init --tenant-id tacc.prod --username testuser --password emulator --no-dockerhub
#   Agave(api_server='{url}', username='testuser', password='emulator', verify=False, tenant_id='tacc.prod')

# the bash CLI
export AGAVE_TENANTS_API_BASEURL=$EMULATOR/tenants
export AGAVE_CACHE_DIR=$TAPIS_CACHE_DIR AGAVE_JSON_PARSER=jq AGAVE_DISABLE_AUTO_REFRESH=1
#   mkdir -p $AGAVE_CACHE_DIR && tenants-init -t tacc.prod
#   clients-create -S -N cli -D desc -u testuser -p emulator && auth-tokens-create -S -u testuser -p emulator

# curl: without a token as the default user, or with the token that a client has in its cache
#   curl -s $EMULATOR/jobs/v2
#   curl -s -H "Authorization: Bearer $(jq -r .access_token $TAPIS_CACHE_DIR/current)" $EMULATOR/profiles/v2/me
"""


def client_lines(url: str) -> str:
    """What ``serve`` prints at its start and ``env`` again."""
    return _LINES.format(url=url.rstrip("/"))


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
@with_settings
def command(settings: Settings, url: str | None) -> None:
    """Print export lines for tapis-cli, agavepy, the bash CLI and curl: eval "$(tapis-emulator env)"."""
    click.echo(client_lines(announced_url(settings, url)), nl=False)
