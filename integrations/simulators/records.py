"""What a pretend vendor has on record, and how a record outlives a restart."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from starlette.responses import Response

from integrations.simulators.desk import DeskError

T = TypeVar("T")
# The metadata of a field that begins anew with each start, as the machine's own clock does.
PASSING: Mapping[str, bool] = {"is_passing": True}


def record_of(kind: type[T], kept: Mapping[str, Any]) -> T:
    """Return the dataclass of which `asdict` made this, with the dataclasses inside it.

    What it does not name gets its default, what the dataclass does not know is left out: the
    state file may be an older version's.
    """
    hints = get_type_hints(kind)
    given = {
        one.name: _value(hints[one.name], kept[one.name])
        for one in fields(kind)  # type: ignore[arg-type]  # a dataclass, which no bound can say
        if one.name in kept and not one.metadata.get("is_passing")
    }
    return kind(**given)


def _value(hint: Any, kept: Any) -> Any:
    if is_dataclass(hint) and isinstance(kept, Mapping):
        return record_of(hint, kept)  # type: ignore[arg-type]  # hints name classes only
    kind, parts = get_origin(hint), get_args(hint)
    if kind in (Union, UnionType):
        inner = next((part for part in parts if is_dataclass(part)), None)
        return _value(inner, kept) if inner is not None else kept
    if kind is list and isinstance(kept, list):
        return [_value(parts[0], one) for one in kept]
    if kind is tuple and isinstance(kept, list):
        return tuple(kept)
    if kind is dict and isinstance(kept, Mapping):
        return {name: _value(parts[1], one) for name, one in kept.items()}
    return kept


class Records(dict[Any, T], Generic[T]):
    """Records of one kind, a dataclass, each under one of its own fields."""

    def __init__(self, kind: type[T], key: str) -> None:
        """Take the dataclass and the name of the field."""
        super().__init__()
        self._kind = kind
        self._key = key

    def add(self, record: T) -> T:
        """Put a record where its key says."""
        self[getattr(record, self._key)] = record
        return record

    def as_json(self) -> list[dict[str, Any]]:
        """Return everything a restart must keep."""
        return [asdict(record) for record in self.values()]  # type: ignore[call-overload]

    def restore(self, kept: list[Mapping[str, Any]]) -> None:
        """Take over what `as_json` returned."""
        self.clear()
        for one in kept:
            self.add(record_of(self._kind, one))

    def forget(self) -> None:
        """Have no record any more."""
        self.clear()


@dataclass(slots=True, kw_only=True)
class StoredFile:
    """A file of a conversation; the content is base64 so that it can be kept as JSON."""

    file_id: str
    name: str
    mime_type: str
    content_base64: str
    size: int

    @property
    def content(self) -> bytes:
        """Return the bytes."""
        return base64.b64decode(self.content_base64)


def file_of(*, name: str, mime_type: str, content: bytes, file_id: str | None = None) -> StoredFile:
    """Return a file that is not on record yet; without an id it gets a UUID."""
    return StoredFile(
        file_id=file_id or str(uuid.uuid4()),
        name=name,
        mime_type=mime_type,
        content_base64=base64.b64encode(content).decode(),
        size=len(content),
    )


def file_download(content: bytes, *, name: str, mime_type: str) -> Response:
    """Answer with a file that a browser saves and never shows as a page."""
    shown = name.replace('"', "").encode("ascii", "replace").decode()
    return Response(
        content,
        media_type=mime_type,
        headers={
            "Content-Disposition": f'attachment; filename="{shown}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def desk_message(
    speaker: str, name: str, text: str, *, order: int, at: str, **more: Any
) -> dict[str, Any]:
    """Return a message in the shape that all desks share, delivered and not yet read."""
    return {
        "id": str(uuid.uuid4()),
        "order": order,
        "from": speaker,
        "name": name,
        "text": text,
        "attachments": [],
        "options": [],
        "at": at,
        "delivered": True,
        "read": False,
        **more,
    }


class Files(Records[StoredFile]):
    """The files of all conversations."""

    def __init__(self) -> None:
        """Have none."""
        super().__init__(StoredFile, "file_id")

    def download(self, file_id: str) -> Response:
        """Answer the desk with a file; raises DeskError for one that is not on record."""
        if file_id not in self:
            raise DeskError(404, "There is no such file.")
        stored = self[file_id]
        return file_download(stored.content, name=stored.name, mime_type=stored.mime_type)
