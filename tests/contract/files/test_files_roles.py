"""Who may do what: every role and kind of grant × every operation × every state of the system [files §3, §10]."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from urllib3 import encode_multipart_formdata

from emulator.api.v2.routes import routes
from emulator.domain.system import Role, SystemStatus, SystemType
from tests.contract.files.conftest import ADMIN, OTHER, OWNER, Bench

pytestmark = pytest.mark.sample(6)

NO_VIEW = "User does not have access to view the requested resource"
ADMINISTRATORS_ONLY = f"{NO_VIEW}. File access is restricted to administrators on public execution systems."
MODIFY = "User does not have access to modify the requested path {path}"


@dataclass(frozen=True)
class Operation:
    """``needs`` is r or w, on the file or (``on_dir``) on its directory; the body's placeholders are filled in."""

    name: str
    method: str
    route: str
    needs: str
    refusal: str
    success: int = 200
    body: dict[str, str] | None = None
    on_dir: bool = False

    @property
    def is_media(self) -> bool:
        return self.route == "media"

    @property
    def shares(self) -> bool:
        return self.route == "pems" and self.method != "GET"


OPERATIONS = [
    Operation("list", "GET", "listings", "r", NO_VIEW),
    Operation("download", "GET", "media", "r", NO_VIEW),
    Operation("head", "HEAD", "media", "r", NO_VIEW),
    Operation("history", "GET", "history", "r", "User does not have permission to view this job history"),
    Operation("pems", "GET", "pems", "r", NO_VIEW),
    Operation("index", "GET", "index", "r", NO_VIEW),
    Operation("index again", "POST", "index", "r", NO_VIEW),
    Operation(
        "upload", "POST", "media", "w", "User does not have access to modify {path}", 202, {}, on_dir=True
    ),
    Operation(
        "import",
        "POST",
        "media",
        "w",
        "User does not have access to modify {path}",
        202,
        {"urlToIngest": "agave://none/x"},
        on_dir=True,
    ),
    Operation("mkdir", "PUT", "media", "w", MODIFY, 201, {"action": "mkdir", "path": "new"}, on_dir=True),
    Operation("rename", "PUT", "media", "w", MODIFY, 200, {"action": "rename", "path": "new"}),
    Operation("copy", "PUT", "media", "rw", "", 200, {"action": "copy", "path": "{dir}/new"}),
    Operation("move", "PUT", "media", "w", MODIFY, 200, {"action": "move", "path": "{dir}/new"}),
    Operation("delete", "DELETE", "media", "w", "User does not have permission to delete {path}"),
    Operation(
        "grant",
        "POST",
        "pems",
        "w",
        "User does not have permission to manage permissions on this file for directory.",
        201,
        {"username": "student02", "permission": "READ"},
    ),
    Operation("clear", "DELETE", "pems", "w", "User does not have access to change permissions on {path}"),
]


@dataclass(frozen=True)
class Subject:
    """OTHER (or ``user``) on a system of ADMIN's, at ``home``/dir/file, with ``rights`` there; None: sees no system."""

    name: str
    rights: str | None
    role: Role | None = None
    user: str = OTHER
    public: bool = False
    read_only: bool = False
    execution: bool = False
    owner: str = OWNER
    home: str = "/home"
    grants: dict[str, str] = field(default_factory=dict)


def private(role: Role, rights: str | None) -> Subject:
    return Subject(f"private, {role.name}", rights, role)


def granted(
    word: str, rights: str, role: Role | None = Role.USER, to: str = OTHER, **more: object
) -> Subject:
    where = "public" if more.get("public") else f"private, {role.name if role else 'no role'}"
    return Subject(f"{where}, {word} to {to}", rights, role, grants={to: word}, **more)  # type: ignore[arg-type]


WORDS = {
    "READ": "r",
    "WRITE": "w",
    "EXECUTE": "x",
    "READ_WRITE": "rw",
    "READ_EXECUTE": "rx",
    "WRITE_EXECUTE": "wx",
    "ALL": "rwx",
}
MINE, THEIRS = f"/home/{OTHER}", "/home/somebody"
SUBJECTS = [
    Subject("private, its owner", "rwx", user=OWNER),
    Subject("private, the tenant's admin", "rwx", user=ADMIN),
    private(Role.ADMIN, "rwx"),
    private(Role.PUBLISHER, "rwx"),
    private(Role.USER, "rwx"),
    private(Role.GUEST, "r"),
    private(Role.NONE, None),
    Subject("private, a stranger", None),
    Subject("private, a request without a token", "rwx", user=""),
    Subject("public, its owner, elsewhere", "rwx", user=OWNER, public=True, home=THEIRS),
    Subject("public, the tenant's admin, elsewhere", "rwx", user=ADMIN, public=True, home=THEIRS),
    Subject("public, its ADMIN, elsewhere", "rwx", Role.ADMIN, public=True, home=THEIRS),
    Subject("public, anybody, at home", "rwx", public=True, home=MINE),
    Subject("public, anybody, elsewhere", "", public=True, home=THEIRS),
    Subject("public, a GUEST, at home", "r", Role.GUEST, public=True, home=MINE),
    Subject("public, a GUEST, elsewhere", "r", Role.GUEST, public=True, home=THEIRS),
    Subject("read-only public, anybody, at home", "r", public=True, read_only=True, home=MINE),
    Subject("read-only public, anybody, elsewhere", "r", public=True, read_only=True, home=THEIRS),
    Subject("public execution, anybody", "x-public", public=True, execution=True, home=THEIRS),
    Subject("public execution, its owner", "x-public", user=OWNER, public=True, execution=True),
    Subject("public execution, the tenant's admin", "x-admin", user=ADMIN, public=True, execution=True),
    Subject("private execution, USER", "rwx", Role.USER, execution=True),
    *(granted(word, rights) for word, rights in WORDS.items()),
    *(granted(word, rights, public=True, role=None, home=THEIRS) for word, rights in WORDS.items()),
    *(granted(word, "".join(sorted({*rights, "r"})), Role.GUEST) for word, rights in WORDS.items()),
    granted("READ", "r", role=None, public=True, home=THEIRS, to="world"),
    granted("ALL", "rwx", role=None, public=True, home=THEIRS, to="public"),
    granted("ALL", None, role=None),  # type: ignore[arg-type]
    granted("READ", "rwx", role=Role.ADMIN),
]
STATES = [*SystemStatus, "disabled"]


def made(bench: Bench, subject: Subject) -> str:
    roles = {} if subject.role is None else {OTHER: subject.role}
    if subject.read_only:
        roles["world"] = Role.GUEST
    kind = SystemType.EXECUTION if subject.execution else SystemType.STORAGE
    system = bench.system(public=subject.public, owner=subject.owner, roles=roles, kind=kind)
    bench.make(system, "/home")
    bench.make(system, subject.home)
    bench.make(system, f"{subject.home}/dir")
    bench.upload(f"system/{system}/{subject.home}/dir", b"content", "file", ADMIN)
    for username, word in subject.grants.items():
        body = {"username": username, "permission": word, "recursive": True}
        bench.call("POST", f"pems/system/{system}/{subject.home}/dir", ADMIN, 201, body=body)
    return system


def expected(operation: Operation, subject: Subject, system: str, state: str) -> tuple[int, str]:
    """Status, and the message of a refusal."""
    if subject.rights is None or state == "disabled":
        media = f"No system found for user with id {system}"
        return 404, media if operation.is_media else f"No resource found for user with system id '{system}'"
    if operation.is_media and state != "UP":
        return 400, f"System {system} is {state}"
    # of a public execution system its owner has all rights, but only by the media routes
    closed = operation.shares or (not operation.is_media and subject.rights == "x-public")
    if closed and subject.rights.startswith("x-"):
        return 403, ADMINISTRATORS_ONLY
    rights = {"x-admin": "rwx", "x-public": "rwx" if subject.user == OWNER else ""}.get(
        subject.rights, subject.rights
    )
    place = f"{subject.home}/dir" if operation.on_dir else f"{subject.home}/dir/file"
    if operation.name == "copy":
        if "r" not in rights:
            return 403, f"User does not have access to copy the requested path {place}"
        if "w" not in rights:
            return 403, f"User does not have access to copy data to {subject.home}/dir/new"
    elif operation.needs not in rights:
        return 403, operation.refusal.format(path=place)
    return operation.success, ""


def got(bench: Bench, operation: Operation, subject: Subject, system: str) -> tuple[int, str]:
    place = f"{subject.home}/dir" if operation.on_dir else f"{subject.home}/dir/file"
    body: object = operation.body
    headers = {}
    if operation.name == "upload":
        body, content_type = encode_multipart_formdata({"fileToUpload": ("up", b"1")})
        headers["Content-Type"] = content_type
    elif isinstance(body, dict):
        body = {key: value.format(dir=f"{subject.home}/dir") for key, value in body.items()}
    path = f"{operation.route}/system/{system}/{place}"
    answer = bench.request(operation.method, path, subject.user or None, body=body, headers=headers)
    if operation.method == "HEAD":
        return answer.status, ""
    failed = answer.status >= 400
    return answer.status, answer.message if failed else ""


@pytest.mark.parametrize("state", STATES, ids=str)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_what_a_subject_may_do(bench: Bench, subject: Subject, state: str) -> None:
    system = ""
    for operation in OPERATIONS:
        if not system:
            system = made(bench, subject)
            status = SystemStatus.UP if state == "disabled" else SystemStatus(state)
            bench.alter(system, available=state != "disabled", status=status)
        code, message = expected(operation, subject, system, str(state))
        wanted = (code, "" if operation.method == "HEAD" else message)
        assert got(bench, operation, subject, system) == wanted, operation.name
        if code < 400 and operation.needs != "r":
            system = ""  # it has changed


def test_the_table_has_no_hole() -> None:
    verbs = {
        (verb, route.path.split("/")[3].partition("<")[0])
        for route in routes()
        if route.path.startswith("/files/v2/") and not route.open
        for verb in route.methods.split()
    }
    assert {(operation.method, operation.route) for operation in OPERATIONS} == verbs
    private_roles = {s.role for s in SUBJECTS if not s.public and not s.grants and s.role is not None}
    assert private_roles | {Role.OWNER} == set(Role)
    assert {s.user for s in SUBJECTS} == {OWNER, OTHER, ADMIN, ""}
    assert {word for s in SUBJECTS for word in s.grants.values()} == set(WORDS)
