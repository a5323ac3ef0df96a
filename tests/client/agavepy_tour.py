"""Calls every operation that agavepy knows of these services, once, in an order that makes sense.

Runs under the clients' own Python, with the base URL, the user and the job's id written into its environment by
test_agavepy_operations.py; prints one JSON object: what came of each operation.
"""

import io
import json
import os

from agavepy.agave import Agave
from agavepy.asynchronous import AgaveAsyncResponse

URL, USER = os.environ["TOUR_URL"], os.environ["TOUR_USER"]
STORAGE, CLUSTER, COPY, APP, FOLDER = (
    "tacc.corral",
    "tour.cluster",
    "tour.copy",
    "tour-1.0",
    f"home/{USER}/tour",
)
HOME = f"/home/{USER}"

ag = Agave(api_server=URL, username=USER, password="emulator", verify=False, tenant_id="tacc.prod")
ag.clients.create(body={"clientName": "tour"})

outcomes = {}
LOGIN = {"type": "PASSWORD", "username": USER, "password": "not-a-real-password"}
MACHINE = {"host": "tour.example.org", "port": 22, "auth": LOGIN}
SYSTEM = {
    "id": CLUSTER,
    "name": "tour",
    "type": "EXECUTION",
    "executionType": "CLI",
    "scheduler": "FORK",
    "scratchDir": "/scratch",
    "workDir": "/scratch",
    "login": {**MACHINE, "protocol": "SSH"},
    "storage": {**MACHINE, "protocol": "SFTP", "rootDir": "/", "homeDir": HOME},
}
APP_FORM = {
    "name": "tour",
    "version": "1.0",
    "parallelism": "SERIAL",
    "executionSystem": CLUSTER,
    "executionType": "CLI",
    "deploymentSystem": STORAGE,
    "deploymentPath": f"{HOME}/tour",
    "templatePath": "wrapper.sh",
    "testPath": "wrapper.sh",
    "tags": ["sightseeing"],
    "ontology": ["http://sswapmeet.sswap.info/tour"],
    "inputs": [],
    "parameters": [],
}
SCHEMA = {
    "title": "tour",
    "type": "object",
    "properties": {"stops": {"type": "integer"}},
    "required": ["stops"],
}


def visit(name, right=lambda answer: True, /, **arguments):
    """Call one operation and note whether its answer is ``right``; the answer, or None when it failed."""
    service, operation = name.split(".")
    try:
        answer = getattr(getattr(ag, service), operation)(**arguments)
        outcomes[name] = "right" if right(answer) else f"wrong: {answer!r}"
        return answer
    except Exception as error:  # noqa: BLE001 - told by the outcome
        response = getattr(error, "response", None)
        outcomes[name] = f"{type(error).__name__}: {error} {getattr(response, 'text', '')}"
        return None


def named(content, name):
    found = io.BytesIO(content)
    found.name = name
    return found


def users(answer):
    return sorted(entry["username"] for entry in answer)


# -- clients, profiles --------------------------------------------------------------------------------
visit("clients.list", lambda r: "tour" in [c["name"] for c in r])
visit("clients.create", lambda r: r["consumerKey"] and r["consumerSecret"], body={"clientName": "tour-two"})
visit("clients.getClientByName", clientName="tour-two")
visit("clients.listSubscriptionsForClient", lambda r: r[0]["apiName"], clientName="tour-two")
visit("clients.deleteSubscriptionsForClient", clientName="tour-two")
visit("clients.addSubscriptionForClient", clientName="tour-two", body={"name": "*"})
visit("clients.delete", clientName="tour-two")
PERSON = {"username": "traveller", "password": "on-the-road", "email": "traveller@example.org"}
visit("profiles.get", lambda r: r["username"] == USER)
visit("profiles.create", body=PERSON)
visit("profiles.listByUsername", lambda r: r["email"] == "traveller@example.org", username="traveller")
visit("profiles.list", lambda r: users(r) == ["traveller"], username="traveller")
visit("profiles.update", username="traveller", body={**PERSON, "email": "t@example.org"})
visit("profiles.delete", username="traveller")
# -- systems ------------------------------------------------------------------------------------------
visit("systems.add", lambda r: r["id"] == CLUSTER, body=SYSTEM)
visit("systems.list", lambda r: [s["id"] for s in r] == [CLUSTER], type="EXECUTION", public=False)
visit("systems.get", lambda r: r["login"]["host"] == "tour.example.org", systemId=CLUSTER)
visit("systems.update", lambda r: r["revision"] == 2, systemId=CLUSTER, body={**SYSTEM, "description": "x"})
visit("systems.manage", lambda r: r["default"], systemId=CLUSTER, body={"action": "setDefault"})
visit("systems.updateRole", systemId=CLUSTER, body={"username": "student01", "role": "USER"})
visit("systems.updateRoleForUser", systemId=CLUSTER, username="student02", body={"role": "GUEST"})
visit("systems.getRoleForUser", lambda r: r["role"] == "GUEST", systemId=CLUSTER, username="student02")
visit("systems.listRoles", lambda r: {"student01", "student02"} <= set(users(r)), systemId=CLUSTER)
visit("systems.deleteRoleForUser", systemId=CLUSTER, username="student02")
visit("systems.deleteRoles", systemId=CLUSTER)
SECRET = {"type": "PASSWORD", "username": USER, "password": "changed", "default": True}
visit("systems.updateCredentials", systemId=CLUSTER, body=SECRET)
visit("systems.listCredentials", lambda r: "changed" not in repr(r), systemId=CLUSTER)
INTERNAL = {"systemId": CLUSTER, "internalUsername": "guide"}
visit("systems.updateCredentialsForInternalUser", **INTERNAL, body=SECRET)
visit("systems.listCredentialsForInternalUser", **INTERNAL)
TYPED = {**INTERNAL, "credentialType": "storage"}
visit("systems.updateCredentialsForInternalUserByType", **TYPED, body=SECRET)
visit("systems.listCredentialsForInternalUserByType", **TYPED)
visit("systems.deleteCredentialsForInternalUserByType", **TYPED)
visit("systems.deleteCredentialsForInternalUser", **INTERNAL)
visit("systems.deleteCredentials", systemId=CLUSTER)
# -- files --------------------------------------------------------------------------------------------
HERE = {"systemId": STORAGE, "filePath": FOLDER}
visit(
    "files.manage",
    lambda r: r["name"] == "tour",
    systemId=STORAGE,
    filePath=HOME,
    body={"action": "mkdir", "path": "tour"},
)
FILE = {"systemId": STORAGE, "filePath": f"{HOME}/tour/wrapper.sh"}
visit(
    "files.importData",
    lambda r: r["name"] == "wrapper.sh",
    systemId=STORAGE,
    filePath=f"{HOME}/tour",
    fileToUpload=named(b"echo '{\"seen\": 1}' > sights.json\n", "wrapper.sh"),
)
visit(
    "files.list",
    lambda r: [f["name"] for f in r] == [".", "wrapper.sh"],
    systemId=STORAGE,
    filePath=f"{HOME}/tour",
)
visit("files.download", lambda r: b"sights.json" in r.content, **FILE)
visit("files.getHistory", lambda r: "STAGING_COMPLETED" in [e["status"] for e in r], **FILE)
visit("files.updatePermissions", **FILE, body={"username": "student01", "permission": "READ"})
visit("files.listPermissions", lambda r: "student01" in users(r), **FILE)
visit("files.deletePermissions", **FILE)
visit("files.importToDefaultSystem", sourcefilePath=f"{HOME}/tour", fileToUpload=named(b"{}", "more.json"))
MORE = {"sourcefilePath": f"{HOME}/tour/more.json"}
visit("files.listOnDefaultSystem", lambda r: r[0]["length"] == 2, filePath=f"{HOME}/tour/more.json")
visit("files.downloadFromDefaultSystem", **MORE)
visit("files.getHistoryOnDefaultSystem", lambda r: len(r) > 1, filePath=f"{HOME}/tour/more.json")
GRANT = {"username": "student01", "permission": "READ"}
visit("files.updatePermissionsOnDefaultSystem", filePath=f"{HOME}/tour/more.json", body=GRANT)
visit(
    "files.listPermissionsOnDefaultSystem",
    lambda r: "student01" in users(r),
    filePath=f"{HOME}/tour/more.json",
)
visit("files.manageOnDefaultSystem", **MORE, body={"action": "copy", "path": f"{HOME}/tour/copy.json"})
visit("files.deleteFromDefaultSystem", **MORE)
visit("files.delete", systemId=STORAGE, filePath=f"{HOME}/tour/copy.json")
# -- apps ---------------------------------------------------------------------------------------------
visit("apps.add", lambda r: r["id"] == APP, body=APP_FORM)
visit("apps.list", lambda r: APP in [a["id"] for a in r])
visit("apps.get", lambda r: r["tags"] == ["sightseeing"], appId=APP)
visit("apps.update", lambda r: r["revision"] == 2, appId=APP, body={**APP_FORM, "label": "Tour"})
visit("apps.getJobSubmissionForm", uniqueName=APP)
visit("apps.listByName", lambda r: [a["id"] for a in r] == [APP], name=APP)
visit("apps.listByTag", lambda r: [a["id"] for a in r] == [APP], tag="sightseeing")
visit("apps.listByOntologyTerm", term="tour")
visit("apps.listBySystemId", lambda r: [a["id"] for a in r] == [APP], systemId=CLUSTER)
visit("apps.updateApplicationPermissions", appId=APP, body=GRANT)
visit("apps.updatePermissionsForUser", appId=APP, username="student02", body={"permission": "READ"})
visit("apps.listPermissionsForUser", lambda r: r["permission"]["read"], appId=APP, username="student02")
visit("apps.listPermissions", lambda r: {"student01", "student02"} <= set(users(r)), appId=APP)
visit("apps.deletePermissionsForUser", appId=APP, username="student02")
visit("apps.deletePermissions", appId=APP)
# -- jobs ---------------------------------------------------------------------------------------------
job = visit("jobs.submit", lambda r: r["status"] == "ACCEPTED", body={"name": "tour", "appId": APP})
JOB = {"jobId": job["id"]} if job else {"jobId": "none"}
if job:
    AgaveAsyncResponse(ag, job).result(60)
visit("jobs.getStatus", lambda r: r["status"] == "FINISHED", **JOB)
visit("jobs.get", lambda r: r["appId"] == APP and r["ended"], **JOB)
visit("jobs.list", lambda r: [j["name"] for j in r] == ["tour"])
visit("jobs.getHistory", lambda r: r[0]["status"] == "PENDING" and r[-1]["status"] == "FINISHED", **JOB)
visit("jobs.listOutputs", lambda r: "sights.json" in [f["name"] for f in r], **JOB, filePath="/")
visit("jobs.downloadOutput", lambda r: r == {"seen": 1}, **JOB, filePath="sights.json")
visit("jobs.updatePermissions", **JOB, body=GRANT)
visit("jobs.updatePermissionsForUser", **JOB, username="student02", body={"permission": "READ"})
visit("jobs.listPermissionsForUser", lambda r: r["permission"]["read"], **JOB, username="student02")
visit("jobs.listPermissions", lambda r: users(r) == sorted([USER, "student01", "student02"]), **JOB)
visit("jobs.deletePermissionsForUser", **JOB, uniqueName=JOB["jobId"], username="student02")
visit("jobs.deletePermissions", **JOB)
visit("jobs.manage", **JOB, body={"action": "hide"})
visit("jobs.delete", **JOB)
visit("apps.manage", lambda r: r["available"] is False, appId=APP, body={"action": "disable"})
visit("apps.delete", appId=APP)
visit("systems.delete", systemId=CLUSTER)
# -- metadata -----------------------------------------------------------------------------------------
schema = visit("meta.addSchema", lambda r: r["schema"]["title"] == "tour", body=SCHEMA)
OF_SCHEMA = {"uuid": schema["uuid"] if schema else "none"}
visit("meta.searchSchema", lambda r: OF_SCHEMA["uuid"] in [s["uuid"] for s in r], **OF_SCHEMA)
visit("meta.getSchema", lambda r: r["schema"] == SCHEMA, **OF_SCHEMA)
visit("meta.updateSchema", **OF_SCHEMA, body={**SCHEMA, "description": "x"})
visit("meta.updateSchemaPermissions", **OF_SCHEMA, body=GRANT)
visit("meta.updateSchemaPermissionsForUser", **OF_SCHEMA, username="student02", body={"permission": "READ"})
visit(
    "meta.listSchemaPermissionsForUser", lambda r: r["permission"]["read"], **OF_SCHEMA, username="student02"
)
visit("meta.listSchemaPermissions", lambda r: {"student01", "student02"} <= set(users(r)), **OF_SCHEMA)
visit("meta.deleteSchemaPermissionsForUser", **OF_SCHEMA, username="student02")
visit("meta.deleteSchemaPermissions", **OF_SCHEMA)
item = visit(
    "meta.addMetadata",
    lambda r: r["value"] == {"stops": 3},
    body={"name": "tour", "value": {"stops": 3}, "schemaId": OF_SCHEMA["uuid"]},
)
ITEM = {"uuid": item["uuid"] if item else "none"}
visit(
    "meta.listMetadata", lambda r: [m["uuid"] for m in r] == [ITEM["uuid"]], q='{"value.stops": {"$gt": 2}}'
)
visit("meta.getMetadata", lambda r: r["name"] == "tour", **ITEM)
visit(
    "meta.updateMetadata",
    lambda r: r["value"] == {"stops": 4},
    **ITEM,
    body={"name": "tour", "value": {"stops": 4}},
)
visit("meta.updateMetadataPermissions", **ITEM, body=GRANT)
visit("meta.updateMetadataPermissionsForUser", **ITEM, username="student02", body={"permission": "READ"})
visit("meta.listMetadataPermissionsForUser", lambda r: r["permission"]["read"], **ITEM, username="student02")
visit("meta.listMetadataPermissions", lambda r: {"student01", "student02"} <= set(users(r)), **ITEM)
visit("meta.deleteMetadataPermissionsForUser", **ITEM, username="student02")
visit("meta.deleteMetadataPermission", **ITEM)
# -- notifications and postits ------------------------------------------------------------------------
WANTED = {"url": "traveller@example.org", "event": "*", "associatedUuid": ITEM["uuid"], "persistent": True}
subscription = visit("notifications.add", lambda r: r["status"] == "ACTIVE", body=WANTED)
SUBSCRIPTION = {"uuid": subscription["id"] if subscription else "none"}
visit("notifications.list", lambda r: len(r) == 1, associatedUuid=ITEM["uuid"])
visit("notifications.get", lambda r: r["persistent"], **SUBSCRIPTION)
visit(
    "notifications.update",
    lambda r: r["event"] == "UPDATED",
    **SUBSCRIPTION,
    body={**WANTED, "event": "UPDATED"},
)
visit("notifications.delete", **SUBSCRIPTION)
URL_OF_FILE = f"{URL}/files/v2/media/system/{STORAGE}/{HOME}/tour/wrapper.sh"
postit = visit("postits.create", lambda r: r["remainingUses"] == 2, body={"url": URL_OF_FILE, "maxUses": 2})
visit("postits.list", lambda r: len(r) == 1)
visit("postits.delete", uuid=postit["postit"] if postit else "none")
visit("meta.deleteMetadata", **ITEM)
visit("meta.deleteSchema", **OF_SCHEMA)
# -- what the emulator does not have: answered with 501, by name --------------------------------------
for service in ("monitors", "transforms"):
    for operation in getattr(ag.all, service).operations:
        everything = {
            "monitorId": "m",
            "checkId": "c",
            "transformId": "t",
            "tag": "t",
            "owner": USER,
            "filePath": "f",
            "body": {},
        }
        spec = getattr(ag.all, service).operations[operation].json["parameters"]
        needed = {p["name"]: everything[p["name"]] for p in spec if p["name"] in everything}
        visit(f"{service}.{operation}", **needed)

known = {
    f"{s}.{o}" for s, r in ag.all.resources.items() if s not in ("actors", "admin") for o in r.operations
}
print("\n" + json.dumps({"known": sorted(known), "outcomes": outcomes}))
