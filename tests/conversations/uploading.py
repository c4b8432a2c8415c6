"""Upload files as a widget does, and the files it uploads."""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversations.files.attachments import attachment_create
from conversations.models import Attachment, Conversation
from conversations.widget.access_token import token_issue

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def a_file(
    name: str = "receipt.png", content: bytes = PNG, kind: str = "image/png"
) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type=kind)


def token_for(conversation: Conversation) -> str:
    """Return an access token of the conversation's own end user."""
    channel, family = conversation.channel, conversation.token_family
    return token_issue(channel, family=family, is_trusted=False)


def upload(conversation: Conversation, *files: Any, token: str = "", **headers: str) -> Any:
    """Post files to a session, as its own end user unless a token is given."""
    named = {"Authorization": f"Bearer {token or token_for(conversation)}", **headers}
    path = f"/api/v1/sessions/{conversation.session_id}/files"
    return Client(raise_request_exception=False).post(path, {"file": list(files)}, headers=named)


def stored(
    conversation_id: str,
    content: bytes = PNG,
    *,
    name: str = "receipt.png",
    mime_type: str = "image/png",
    direction: Attachment.Direction = Attachment.Direction.FROM_END_USER,
) -> Attachment:
    """Return a file of a conversation."""
    return attachment_create(
        conversation_id,
        direction=direction,
        name=name,
        mime_type=mime_type,
        content=ContentFile(content),
    )
