"""What kind of file something is: by name, by what the sender says, by its first bytes."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath

from integrations.contract.manifest import AttachmentLimits

ANY_TYPE = "application/octet-stream"
# Shown in a browser as they are; whatever can hold a script is not among them.
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
NAME_MAX_CHARACTERS = 120
_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,66}")
# Only what Python brings along, so that every machine knows the same endings.
_ENDINGS = mimetypes.MimeTypes()
_OFFICE = "application/vnd.openxmlformats-officedocument."
_MORE_ENDINGS = {
    ".docx": f"{_OFFICE}wordprocessingml.document",
    ".xlsx": f"{_OFFICE}spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}presentationml.presentation",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".rtf": "application/rtf",
}
_SAME = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "text/rtf": "application/rtf",
    "text/xml": "application/xml",
    "text/comma-separated-values": "text/csv",
    "application/csv": "text/csv",
    "application/x-zip-compressed": "application/zip",
    "application/x-pdf": "application/pdf",
    "audio/wav": "audio/x-wav",
}
# What is told of a file and what its ending says may differ within one of these: the other name is
# a wider one, or another one for the same, and no program runs what was named a table or a text.
_TEXTS = frozenset(
    {
        "text/plain", "text/csv", "text/tab-separated-values", "text/markdown", "text/calendar",
        "text/vcard", "text/javascript", "application/javascript", "application/x-javascript",
        "application/json", "application/x-ndjson", "application/xml", "application/yaml",
        "application/x-yaml", "text/yaml", "text/x-python", "application/x-python-code",
        "text/css", "application/sql", "text/x-log", "application/x-subrip",
    }
)  # fmt: skip
_ZIPS = frozenset(
    {
        "application/zip",
        *(kind for kind in _MORE_ENDINGS.values() if _OFFICE in kind),
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.presentation",
        "application/epub+zip",
    }
)
_KIN = (
    _TEXTS,
    _ZIPS,
    # Browsers on a machine with a spreadsheet program say this of a comma-separated table.
    frozenset({"text/csv", "application/vnd.ms-excel"}),
    frozenset({"application/rtf", "application/msword"}),
    frozenset({"application/msword", "application/x-ole-storage"}),
    frozenset({"application/vnd.ms-excel", "application/x-ole-storage"}),
    frozenset({"audio/mp4", "audio/x-m4a", "audio/m4a", "video/mp4", "audio/aac"}),
    frozenset({"audio/mpeg", "audio/mp3", "audio/x-mpeg"}),
    frozenset({"audio/webm", "video/webm"}),
    frozenset({"audio/ogg", "video/ogg", "application/ogg"}),
    frozenset({"video/quicktime", "video/mp4"}),
    frozenset({"image/heic", "image/heif"}),
)
_FIRST_BYTES = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "application/pdf": re.compile(rb".{0,1024}?%PDF-", re.DOTALL),
    "application/zip": re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"),
    **{kind: re.compile(rb"PK\x03\x04") for kind in _MORE_ENDINGS.values() if _OFFICE in kind},
}
HEAD_BYTES = 1040


class TypeMismatchError(Exception):
    """The name, the declared type and the content tell different stories; the text says which."""


def file_type(name: str, declared: str, head: bytes) -> str:
    """Return a file's type; raises TypeMismatchError where its parts disagree.

    A picture is what its first bytes say, whatever it is called.
    """
    if picture := image_type(head):
        return picture
    by_name = _type_of_name(name)
    said = _declared(declared)
    if by_name and said != ANY_TYPE and not _are_kin(by_name, said):
        raise TypeMismatchError(f"The name {name} does not belong to a file of type {said}.")
    kind = by_name or said
    first = _FIRST_BYTES.get(kind)
    if first is not None and not first.match(head):
        raise TypeMismatchError(f"The content of {name} is not of type {kind}.")
    return kind


def safe_type(name: str, declared: str, head: bytes) -> str:
    """Return a file's type, or the one that promises nothing where its parts disagree."""
    try:
        return file_type(name, declared, head)
    except TypeMismatchError:
        return ANY_TYPE


def image_type(head: bytes) -> str:
    """Return the type of an image that is shown as it is, by its first bytes; "" for others."""
    return next((kind for kind in sorted(IMAGE_TYPES) if _FIRST_BYTES[kind].match(head)), "")


def named_as(name: str, kind: str) -> str:
    """Return a name that does not lie about a picture: its ending is the picture's own."""
    if kind not in IMAGE_TYPES or _type_of_name(name) == kind:
        return name
    path = PurePosixPath(name)
    is_other_picture = _type_of_name(name).startswith("image/")
    stem = path.stem if is_other_picture else name
    return f"{stem}.{kind.rpartition('/')[2].replace('jpeg', 'jpg')}"


def _are_kin(one: str, other: str) -> bool:
    return one == other or any(one in kin and other in kin for kin in _KIN)


def is_type_taken(kind: str, limits: AttachmentLimits) -> bool:
    """Say whether a vendor takes files of a type; a list without entries takes any."""
    return not limits.mime_types or kind in limits.mime_types


def safe_name(name: str) -> str:
    """Return a name without a path and without characters that lie about it."""
    last = re.split(r"[\\/]", name)[-1]
    shown = "".join(c for c in last if unicodedata.category(c)[0] != "C").strip(" .")
    stem, ending = PurePosixPath(shown).stem, PurePosixPath(shown).suffix[:16]
    return (stem[: NAME_MAX_CHARACTERS - len(ending)] + ending) or "file"


def _type_of_name(name: str) -> str:
    ending = PurePosixPath(name.lower()).suffix
    found = _MORE_ENDINGS.get(ending) or _ENDINGS.guess_type(f"x{ending}", strict=True)[0] or ""
    return _SAME.get(found, found)


def _declared(value: str) -> str:
    kind = value.partition(";")[0].strip().lower()
    if not _TYPE.fullmatch(kind):
        return ANY_TYPE
    return _SAME.get(kind, kind)
