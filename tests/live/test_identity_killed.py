"""What was answered before ``kill -9`` holds afterwards: accounts, clients, tokens, codes, uses of postits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.contract.accounts.signing_in import ask, bearer, password_token, register, works
from tests.live.serve_process import ServeProcess
from tests.served import Api

CALLBACK = "https://app.example.org/back"
USER = {"username": "newcomer", "password": "secret"}


def start(folder: Path) -> ServeProcess:
    return ServeProcess(folder, "--port", "0", "--data-dir", str(folder / "data"))


def test_identity_outlives_a_kill(tmp_path: Path) -> None:
    with start(tmp_path) as server:
        api, admin = Api(server.url), Api(server.url, "admin")
        admin.call("POST", "profiles/v2", json=USER | {"email": "new@example.org"})
        keys = register(api, callbackUrl=CALLBACK)
        token, revoked = password_token(api, keys), password_token(api, keys)
        api.request("POST", "revoke", data={"token": revoked["access_token"]}, auth=keys)
        form = {"client_id": keys[0], "response_type": "code"} | USER
        back = api.request("POST", "authorize", data=form, allow_redirects=False).headers["Location"]
        left = register(api, "left")
        api.call("DELETE", "clients/v2/left/subscriptions", json={"apiName": "Jobs"})
        server.kill()
    with start(tmp_path) as server:
        api = Api(server.url)
        assert works(api, token) and not works(api, revoked)
        assert ask(api, keys, grant_type="refresh_token", refresh_token=token["refresh_token"]).ok
        code = back.partition("code=")[2]
        exchanged = ask(api, keys, grant_type="authorization_code", code=code, redirect_uri=CALLBACK).json()
        answer = api.call("GET", "profiles/v2/me", headers=bearer(exchanged))
        assert answer["username"] == "newcomer"
        assert not works(api, password_token(api, left))


def test_no_use_of_a_postit_is_given_back(tmp_path: Path) -> None:
    uses = 400
    with start(tmp_path) as server:
        api = Api(server.url)
        body = {"url": f"{server.url}/jobs/v2", "maxUses": uses}
        key = api.call("POST", "postits/v2", json=body)["postit"]
        url = f"{server.url}/postits/v2/{key}"

        def redeem(number: int) -> bool:
            if number == uses // 4:
                server.kill()
            try:
                return requests.get(url, timeout=60).ok
            except requests.ConnectionError:
                return False

        with ThreadPoolExecutor(4) as pool:
            served_before = sum(pool.map(redeem, range(uses // 2)))
        assert 0 < served_before < uses // 2
    with start(tmp_path) as server:
        shown = Api(server.url).call("GET", f"postits/v2/listing/{key}")
        assert shown["numberUsed"] >= served_before
        assert shown["remainingUses"] == uses - shown["numberUsed"]
