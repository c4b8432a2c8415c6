"""Give a conversation's files to whoever has their address."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from conversations.files.attachments import attachment_by_address
from conversations.files.types import IMAGE_TYPES


@require_safe
def file_download(request: HttpRequest, token: str, name: str) -> FileResponse:
    """Answer 404 for an address that is unknown or no longer good.

    Images are shown, all else is saved: nothing that somebody sent ever runs at this origin.
    """
    attachment = attachment_by_address(token)
    if attachment is None:
        raise Http404
    try:
        content = attachment.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    is_image = attachment.mime_type in IMAGE_TYPES
    response = FileResponse(
        content,
        as_attachment=not is_image,
        filename=attachment.name,
        content_type=attachment.mime_type,
    )
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Cache-Control"] = "private, max-age=3600"
    response["Referrer-Policy"] = "no-referrer"
    return response
