"""Answers of tenants, API clients, tokens and profiles [auth]."""

from __future__ import annotations

from emulator.api.v2.schemas.answers.parts import (
    DONE,
    Answer,
    AnswerSchema,
    Form,
    links,
    many,
    mapping,
    nothing,
    text,
    truth,
    uuid,
    whole,
)


class Contact(AnswerSchema):
    name = text()
    email = text()
    url = text()
    type = text()
    primary = truth()


class Tenant(AnswerSchema):
    id = uuid("016")
    name = text()
    baseUrl = text(pattern=r"^https?://.*/$")
    code = text()
    contact = many(Contact)
    _links = links("Tenant", "self", "publickey")


class ClientAnswer(AnswerSchema):
    description = text(null=True)
    name = text()
    consumerKey = text()
    tier = text()
    callbackUrl = text(null=True)
    _links = links("Client", "subscriber", "self", "subscriptions")


class NewClient(ClientAnswer):
    """The only answer that holds the secret."""

    consumerSecret = text()


class ApiSubscription(AnswerSchema):
    """Both sets of keys that clients read."""

    apiContext = text()
    apiName = text()
    apiProvider = text()
    apiVersion = text()
    context = text()
    name = text()
    provider = text()
    version = text()
    status = text()
    tier = text()
    _links = links("ApiSubscription", "api", "client", "self")


class TokenAnswer(AnswerSchema):
    scope = text()
    token_type = text(words=["bearer"])
    expires_in = whole()
    refresh_token = text(optional=True)
    access_token = text()


class Profile(AnswerSchema):
    """Both shapes that the service has had."""

    username = text()
    email = text(null=True)
    first_name = text(null=True)
    last_name = text(null=True)
    full_name = text(null=True)
    phone = text(null=True)
    mobile_phone = text(null=True)
    status = text()
    uid = nothing()
    create_time = text(null=True, pattern=r"^\d{14}Z$")
    fullName = text(null=True)
    firstName = text(null=True)
    lastName = text(null=True)
    position = text(null=True)
    institution = text(null=True)
    fax = text(null=True)
    researchArea = text(null=True)
    department = text(null=True)
    city = text(null=True)
    state = text(null=True)
    country = text(null=True)
    gender = text(null=True)
    uuid = text(null=True)
    _links = links("Profile", "self", "users")


class UserInfo(AnswerSchema):
    sub = text()
    name = text()
    given_name = text(null=True)
    family_name = text(null=True)
    email = text(null=True)
    preferred_username = text()


class Assertions(AnswerSchema):
    """The header that a gateway would add to a request, and its value."""

    headers = mapping()


_SUBSCRIPTIONS = Answer(ApiSubscription, many=True)

ANSWERS = {
    "tenants.list": Answer(Tenant, many=True),
    "tenants.get": Answer(Tenant, many=True),
    "tenants.publicKey": Answer(form=Form.CONTENT),
    "clients.list": Answer(ClientAnswer, many=True),
    "clients.create": Answer(NewClient, (201,)),
    "clients.getClientByName": Answer(ClientAnswer),
    "clients.delete": DONE,
    "clients.listSubscriptionsForClient": _SUBSCRIPTIONS,
    "clients.addSubscriptionForClient": Answer(ApiSubscription, (200, 201), many=True),
    "clients.deleteSubscriptionsForClient": DONE,
    "tokens.create": Answer(TokenAnswer, form=Form.BARE),
    "tokens.revoke": Answer(form=Form.EMPTY),
    "tokens.authorize": Answer(statuses=(200, 302), form=Form.PAGE),
    "tokens.grant": Answer(statuses=(200, 302, 303), form=Form.PAGE),
    "tokens.headers": Answer(Assertions, form=Form.BARE),
    "tokens.userInfo": Answer(UserInfo, form=Form.BARE),
    "profiles.list": Answer(Profile, many=True),
    "profiles.get": Answer(Profile),
    "profiles.listByUsername": Answer(Profile),
    "profiles.search": Answer(Profile, many=True),
    "profiles.create": Answer(Profile, (200, 201), optional=True),
    "profiles.update": Answer(Profile, optional=True),
    "profiles.delete": DONE,
    "profiles.listInternalUsers": Answer(Profile, many=True),
}
