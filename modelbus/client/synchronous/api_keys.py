# Made from ../asynchronous/api_keys.py by tools/twin.py: change it there, then run `make twin`.
"""API keys: made, listed, revoked; for admins."""

from modelbus.client.calls import Call, path_of, record_of
from modelbus.client.synchronous.http_transport import Transport
from modelbus.client.typed_answers import MadeApiKey
from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord

KeyList = list[ApiKeyRecord]


class ApiKeys:
    """Who may ask, and for what. Needs a key with the scope ``admin``, where the gateway demands keys."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self, name: str, scope: Scope = "read", *, owner: str | None = None, expires_days: float | None = None
    ) -> MadeApiKey:
        """Make a key; its text is told only here.

        Args:
            name: What people call it.
            scope: What it allows: ``metrics``, ``read``, ``submit`` or ``admin``; each includes those before it.
            owner: Whose the records are that it makes; by default its name.
            expires_days: Days until it expires; never if None.

        Raises:
            ApiKeyExists: There is one of that name.
            Forbidden: The client's own key is no admin's.
        """
        body = {"name": name, "scopes": [scope], "owner": owner, "expires_days": expires_days}
        # were its answer lost, the key would be there, and its text nowhere
        call = Call("POST", "/keys", body=body, is_repeatable=False)
        return record_of(MadeApiKey, (self._transport.send(call)).document)

    def list(self) -> KeyList:
        """All keys, without their texts, which nobody knows.

        Raises:
            Forbidden: The client's own key is no admin's.
        """
        document = self._transport.document("GET", "/keys")
        return [record_of(ApiKeyRecord, one) for one in document["keys"]]

    def revoke(self, name: str) -> ApiKeyRecord:
        """Let a key work no more, within seconds.

        Raises:
            UnknownApiKey: There is none of that name.
            Forbidden: The client's own key is no admin's.
        """
        return record_of(ApiKeyRecord, self._transport.document("DELETE", path_of("keys", name)))
