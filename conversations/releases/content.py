"""What a project's AI agent knows: as it is edited (the draft), or frozen in a release."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from django.db import connection, models
from django.db.models.functions import JSONObject

from conversations.models import Conversation, Destination, Flow, Release, Tool, Topic, Variant
from conversations.models.release import release_id_of
from integrations.models import Project

# Tells one content from another: `draft` or `release`, and whose.
Version = tuple[str, int | uuid.UUID]
Row = TypeVar("Row", bound=models.Model)
# A hundred topics and tools of usual size take less than a megabyte.
RELEASES_KEPT = 32
# What a project says itself; its other settings act at once.
TEXTS = ("greeting", "no_match_text")
_LEFT_OUT = frozenset({"project", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class ReleasedModel:
    """A model whose rows travel with a release: found by `name`, and tied to nothing else."""

    model: type[models.Model]
    key: str
    label: str

    def fields(self) -> list[str]:
        """Return the fields that are frozen: all but the project and the times."""
        names = (field.name for field in self.model._meta.concrete_fields)
        return [name for name in names if name not in _LEFT_OUT]


# The one list of what a release holds.
RELEASED = (
    ReleasedModel(Topic, "topics", "Topic"),
    ReleasedModel(Tool, "tools", "Tool"),
    ReleasedModel(Flow, "flows", "Flow"),
    ReleasedModel(Variant, "variants", "Variant"),
    ReleasedModel(Destination, "destinations", "Destination"),
)
_KEYS = {one.model: one.key for one in RELEASED}


class Content(Protocol):
    """What a turn reads: never change what it hands out."""

    @property
    def version(self) -> Version:
        """Return what tells this content from others."""
        ...

    @property
    def project_id(self) -> int:
        """Return the project."""
        ...

    def rows(self, model: type[Row]) -> Sequence[Row]:
        """Return all rows of a model, in the order of their names."""
        ...

    def named(self, model: type[Row], names: Iterable[str]) -> dict[str, Row]:
        """Return the rows that have one of these names, by name."""
        ...

    def text(self, name: str) -> str:
        """Return one of TEXTS."""
        ...


class KeptRows:
    """A draft's rows while its stamp stays the same; each model is read once, when it is needed."""

    def __init__(self, project_id: int, stamp: str) -> None:
        """Read nothing yet."""
        self.stamp = stamp
        self._project_id = project_id
        self._rows: dict[type[models.Model], list[Any]] = {}

    def rows(self, model: type[Row]) -> list[Row]:
        """Return all rows, in the order of their names; two threads may both read them."""
        found = self._rows.get(model)
        if found is None:
            rows = model._default_manager.filter(project_id=self._project_id)
            found = self._rows[model] = list(rows)
        return found


class Draft:
    """What builders edit: each message reads it anew, unless it is known to be the same."""

    def __init__(self, project: Project, kept: KeptRows | None = None) -> None:
        """Read nothing yet."""
        self._project, self._kept = project, kept
        # One message asks for the same rows more than once.
        self._named: dict[tuple[type[models.Model], frozenset[str]], dict[str, Any]] = {}
        self.project_id: int = project.pk
        self.version: Version = ("draft", self.project_id)

    def rows(self, model: type[Row]) -> Sequence[Row]:
        """Return all rows as they stand now."""
        return list(self._kept.rows(model) if self._kept else self._rows(model))

    @property
    def stamp(self) -> str:
        """Return what tells this state of the draft from others; empty where that is not known."""
        return self._kept.stamp if self._kept else ""

    def named(self, model: type[Row], names: Iterable[str]) -> dict[str, Row]:
        """Return the rows that have one of these names now."""
        wanted = frozenset(names)
        if not wanted:
            return {}
        if (model, wanted) not in self._named:
            found: Iterable[Any]
            if self._kept:
                found = (row for row in self._kept.rows(model) if _name(row) in wanted)
            else:
                found = self._rows(model).filter(name__in=wanted)
            self._named[model, wanted] = {_name(row): row for row in found}
        return self._named[model, wanted]

    def text(self, name: str) -> str:
        """Return what the project says now."""
        return str(getattr(self._project, name))

    def _rows(self, model: type[Row]) -> models.QuerySet[Row]:
        return model._default_manager.filter(project_id=self.project_id)


class Frozen:
    """What a release holds."""

    def __init__(self, release: Release) -> None:
        """Build the rows once; they are shared by all turns of this process."""
        self.project_id: int = release.project_id
        self.version: Version = ("release", release.pk)
        self._texts: Mapping[str, str] = release.content.get("texts", {})
        self._rows = {
            one.model: _instances(one, release.project_id, release.content.get(one.key, []))
            for one in RELEASED
        }

    def rows(self, model: type[Row]) -> Sequence[Row]:
        """Return all rows that the release has."""
        return self._rows[model]  # type: ignore[return-value]

    def named(self, model: type[Row], names: Iterable[str]) -> dict[str, Row]:
        """Return the rows of the release that have one of these names."""
        wanted = set(names)
        by_name = {row.name: row for row in self.rows(model)}  # type: ignore[attr-defined]
        return {name: row for name, row in by_name.items() if name in wanted}

    def text(self, name: str) -> str:
        """Return what the project said when the release was made."""
        return self._texts.get(name, "")


def content_of(conversation: Conversation) -> Content:
    """Return what the AI agent knows in a conversation: that of its beginning, or the draft."""
    if conversation.known is not None and conversation.known.draft is not None:
        return cast(Draft, conversation.known.draft)
    return content_of_release(conversation.project, conversation.release_id)


def content_in(project: Project, environment: str) -> Content:
    """Return what the AI agent knows in an environment now."""
    return content_of_release(project, release_id_of(project.pk, environment))


def content_of_release(project: Project, release_id: uuid.UUID | None) -> Content:
    """Return a release's content; None is the draft."""
    if release_id is None:
        return Draft(project)
    return _FROZEN.of(release_id)


def snapshot(project: Project) -> dict[str, Any]:
    """Return the draft as a release keeps it: plain JSON, all rows by their names."""
    found: dict[str, Any] = {"texts": {name: getattr(project, name) for name in TEXTS}}
    found |= {one.key: [] for one in RELEASED}
    if connection.vendor == "postgresql":
        _read_at_once(project, found)
        return found
    for one in RELEASED:
        found[one.key] = list(_rows(project, one).order_by("name", "pk").values(*one.fields()))
    return found


def _rows(project: Project, one: ReleasedModel) -> models.QuerySet[Any]:
    return one.model._default_manager.filter(project=project)


def _read_at_once(project: Project, found: dict[str, Any]) -> None:
    """Add the rows of all models in one statement, each as PostgreSQL writes it in JSON."""
    parts = [
        _rows(project, one)
        .order_by()
        .values(
            of_kind=models.Value(one.key),
            named=models.F("name"),
            number=models.F("pk"),
            as_json=JSONObject(**{name: models.F(name) for name in one.fields()}),
        )
        for one in RELEASED
    ]
    plain = {one.key: _plain_fields(one) for one in RELEASED}
    for row in parts[0].union(*parts[1:], all=True).order_by("named", "number"):
        content = row["as_json"]
        for field in plain[row["of_kind"]]:
            content[field.name] = field.to_python(content[field.name])
        found[row["of_kind"]].append(content)


def _plain_fields(one: ReleasedModel) -> list[models.Field[Any, Any]]:
    """Return the fields whose values JSON may write otherwise, such as 5.0 as 5."""
    fields = (one.model._meta.get_field(name) for name in one.fields())
    return [field for field in fields if not isinstance(field, models.JSONField)]  # type: ignore[misc]


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the hash of what a release says; the numbers of its rows do not count."""
    text = json.dumps(plain_content(content), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def plain_content(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each kind's rows by name, without their numbers."""
    found: dict[str, dict[str, Any]] = {"texts": dict(content.get("texts", {}))}
    for one in RELEASED:
        found[one.key] = {
            row["name"]: {name: value for name, value in row.items() if name != "id"}
            for row in content.get(one.key, [])
        }
    return found


def instances_of(model: type[Row], project_id: int, content: Mapping[str, Any]) -> list[Row]:
    """Return the rows of one model that a content holds, as a turn would see them."""
    one = next(one for one in RELEASED if one.model is model)
    return _instances(one, project_id, content.get(one.key, []))  # type: ignore[return-value]


def _instances(
    one: ReleasedModel, project_id: int, rows: Iterable[Mapping[str, Any]]
) -> list[models.Model]:
    """Build rows of today's model: a field that is newer has its default, a gone one is left out.

    They are no rows of the database: whoever saves one would bring the past back.
    """
    names = set(one.fields())
    return [
        one.model(project_id=project_id, **{n: v for n, v in row.items() if n in names})
        for row in rows
    ]


def _name(row: models.Model) -> str:
    return str(row.name)  # type: ignore[attr-defined]


class _FrozenReleases:
    """The releases that were asked for last; they never change, so nothing makes them stale."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[uuid.UUID, Frozen] = OrderedDict()

    def of(self, release_id: uuid.UUID) -> Frozen:
        with self._lock:
            found = self._kept.get(release_id)
        if found is None:
            found = Frozen(Release.objects.get(pk=release_id))
        with self._lock:
            self._kept[release_id] = found
            self._kept.move_to_end(release_id)
            while len(self._kept) > RELEASES_KEPT:
                self._kept.popitem(last=False)
        return found


_FROZEN = _FrozenReleases()
