"""API keys: create, list, revoke; for admins."""

from modelbus.client.arguments.checking import Checked
from modelbus.client.asynchronous.http_transport import AsyncTransport
from modelbus.client.calls import Call, path_of, record_of
from modelbus.client.typed_answers import MadeApiKey
from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord

KeyList = list[ApiKeyRecord]


class AsyncApiKeys(Checked):
    """API keys. Where the gateway requires keys, these calls need one with the scope ``admin``."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def create(
        self, name: str, scope: Scope = "read", *, owner: str | None = None, expires_days: float | None = None
    ) -> MadeApiKey:
        """Create a key; its text is shown only here.

        Args:
            name: The key's name.
            scope: What the key allows: ``metrics``, ``read``, ``submit`` or ``admin``; each includes those before it.
            owner: The owner of records created with the key. Default: the key's name.
            expires_days: Days until the key expires; None means never.

        Raises:
            ApiKeyExists: A key of that name exists.
            Forbidden: The client's own key does not have the scope ``admin``.
        """
        body = {"name": name, "scopes": [scope], "owner": owner, "expires_days": expires_days}
        # after a lost answer the key would exist, and its text would be lost
        call = Call("POST", "/keys", body=body, is_repeatable=False)
        return record_of(MadeApiKey, (await self._transport.send(call)).document)

    async def list(self) -> KeyList:
        """All keys, without their texts.

        Raises:
            Forbidden: The client's own key does not have the scope ``admin``.
        """
        document = await self._transport.document("GET", "/keys")
        return [record_of(ApiKeyRecord, one) for one in document["keys"]]

    async def revoke(self, name: str) -> ApiKeyRecord:
        """Revoke a key; it stops working within seconds.

        Raises:
            UnknownApiKey: No key has that name.
            Forbidden: The client's own key does not have the scope ``admin``.
        """
        return record_of(ApiKeyRecord, await self._transport.document("DELETE", path_of("keys", name)))
