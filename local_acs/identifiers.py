"""The shapes of the ids this service hands out: opaque to clients, but recognisable as ACS ones."""

import base64
import binascii
import hashlib
import json
import re
import secrets
import uuid

DOCUMENT_ID = re.compile(r"0-[a-z]{2,5}-d\d{1,2}-[0-9a-f]{32}")


def new_guid() -> str:
    return str(uuid.uuid4())


def new_conversation_url() -> str:
    """The URL a server call id encodes; the 2021 API calls it conversationUrl."""
    token = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    return f"https://conv-euwe-01-prod-aks.conv.skype.com/conv/{token}?i=0&e={secrets.randbelow(10**18)}"


def server_call_id(conversation_url: str) -> str:
    return _base64url(conversation_url.encode())


def normal_server_call_id(text: str) -> str:
    """One spelling for the base64 and base64url forms, padded or not, that clients send."""
    return text.replace("+", "-").replace("/", "_").rstrip("=")


def new_recording_id() -> str:
    """Base64url of the two GUIDs, without padding.

    Source: the examples of CallRecording_Start in the Azure REST API specification and the recording logs page of
    the Azure documentation.
    """
    guids = {"PlatformEndpointId": new_guid(), "ResourceSpecificId": new_guid()}
    return _base64url(json.dumps(guids, separators=(",", ":")).encode())


def normal_recording_id(text: str) -> str:
    return text.replace("+", "-").replace("/", "_").rstrip("=")


def document_id(recording_id: str, index: int) -> str:
    """The same id for the same chunk whenever it is asked for, so that finishing a recording twice is harmless."""
    digest = hashlib.sha256(f"{recording_id}/{index}".encode()).hexdigest()
    return f"0-eus-d{1 + int(digest[-2:], 16) % 12}-{digest[:32]}"


def new_participant_id(resource_id: str) -> str:
    """An ACS user's MRI: 8:acs:{resource}_{identity}."""
    groups = (secrets.token_hex(4), secrets.token_hex(2), secrets.token_hex(2), secrets.token_hex(2))
    return f"8:acs:{resource_id}_{'-'.join(groups)}-{secrets.token_hex(6)}"


def is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return False


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")
