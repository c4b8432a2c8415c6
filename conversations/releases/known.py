"""What a turn reads of its project, kept in the process while the database says it is the same.

PostgreSQL gives each version of a row a place, and the number of the transaction that wrote it. The
two of every row that counts make a stamp: whoever changes a setting, by whatever way, changes it.
A turn reads the stamps with its conversation, so that what an admin saves counts from the next
turn on, and reads the rows only where a stamp is new. SQLite has no such thing: nothing is kept.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from django.db import models

from conversations.models import Channel, Conversation, OutsideAgent, SafetyFilter
from conversations.models.conversation import Known
from conversations.releases.content import RELEASED, Draft, KeptRows
from integrations.models import Project, Wording, Workspace

PROJECTS_KEPT = 64
T = TypeVar("T")


def _versions(model: type[models.Model], condition: str) -> str:
    """Return the SQL of the versions of a model's rows, in one text."""
    versions = "string_agg(one.id || ' ' || one.xmin || one.ctid, ',' ORDER BY one.id)"
    return f"(SELECT {versions} FROM {model._meta.db_table} AS one WHERE {condition})"  # noqa: S608 - of constants


def _of_project(*found: type[models.Model]) -> str:
    parts = (_versions(one, "one.project_id = conversation.project_id") for one in found)
    return ", ".join(f"coalesce({part}, '')" for part in parts)


_WORKSPACE = "SELECT workspace_id FROM integrations_project WHERE id = conversation.project_id"
# Two columns of a statement that calls the conversation's row so: the settings' stamp, and the
# draft's where no release answers.
STAMPS = f"""
    concat_ws(
        '|',
        {_versions(Project, "one.id = conversation.project_id")},
        {_versions(Workspace, f"one.id = ({_WORKSPACE})")},
        {_versions(Channel, "one.id = conversation.channel_id")},
        {_of_project(OutsideAgent, SafetyFilter, Wording)}
    ),
    CASE WHEN conversation.release_id IS NULL
        THEN concat_ws('|', {_of_project(*(one.model for one in RELEASED))})
    END
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """What a project and a channel of it say; secrets are not among it."""

    project: Project = field(repr=False)
    channel: Channel = field(repr=False)
    words: Mapping[str, Mapping[str, str]] = field(repr=False)
    is_filtered: bool


class _Stamped(Generic[T]):
    """What was read under a stamp, by key, the last ones asked for; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[str, T]] = OrderedDict()

    def of(self, key: Hashable, stamp: str, read: Callable[[], T]) -> T:
        """Return what is kept, or read it; what is read is at least as new as the stamp."""
        with self._lock:
            found = self._kept.get(key)
        if found is None or found[0] != stamp:
            found = (stamp, read())
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > PROJECTS_KEPT:
                self._kept.popitem(last=False)
        return found[1]


_settings: _Stamped[_Settings] = _Stamped()
_drafts: _Stamped[KeptRows] = _Stamped()


def project_know(conversation: Conversation, stamp: str, draft_stamp: str | None) -> None:
    """Give a conversation what is kept under the two stamps that were read with it."""
    project_id, channel_id = conversation.project_id, conversation.channel_id
    found = _settings.of(
        (project_id, channel_id), stamp, lambda: _settings_read(project_id, channel_id)
    )
    # Copies: what one turn reads later, such as a secret, is not for the next one.
    conversation.project, conversation.channel = copy.copy(found.project), copy.copy(found.channel)
    conversation.channel.project = conversation.project
    draft = None
    if draft_stamp is not None:
        kept = _drafts.of(project_id, draft_stamp, lambda: KeptRows(project_id, draft_stamp))
        draft = Draft(conversation.project, kept)
    conversation.known = Known(words=found.words, is_filtered=found.is_filtered, draft=draft)


def _settings_read(project_id: int, channel_id: int) -> _Settings:
    project = Project.objects.select_related("workspace").get(pk=project_id)
    if not OutsideAgent.objects.filter(project=project).exists():
        # Where there is one it is read when it is asked for, with its secrets.
        project._state.fields_cache["outside_agent"] = None
    return _Settings(
        project=project,
        channel=Channel.objects.defer("context_keys").get(pk=channel_id),
        words=dict(Wording.objects.filter(project=project).values_list("language", "texts")),
        is_filtered=SafetyFilter.objects.filter(project=project, is_enabled=True).exists(),
    )
