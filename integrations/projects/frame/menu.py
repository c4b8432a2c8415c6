"""The menu of a project: every page in its group, and what a member needs to see it there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse

from integrations.models import Access, Area, Membership, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One page of the menu; `letter` opens it after `g`."""

    page: str
    label: str
    icon: str
    area: Area
    access: Access = Access.READ
    letter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A heading of the menu with its pages."""

    key: str
    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An entry as one member of one project sees it."""

    entry: Entry
    href: str
    is_current: bool

    @property
    def page(self) -> str:
        """Return the name of its address."""
        return self.entry.page


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A group as one member sees it; one that is folded shows its heading alone."""

    group: Group
    links: tuple[Link, ...]
    is_folded: bool


HOME = "project_home"
MENU = (
    Group(
        key="build",
        label="Build",
        entries=(
            Entry(page="topics", label="Topics", icon="topics", area=Area.KNOWLEDGE),
            Entry(page="tools", label="Tools", icon="tools", area=Area.TOOLS),
            Entry(page="flows", label="Flows", icon="flows", area=Area.KNOWLEDGE),
            Entry(
                page="handoff_rules", label="Handoff rules", icon="settings", area=Area.KNOWLEDGE
            ),
            Entry(page="safety", label="Safety", icon="warning", area=Area.KNOWLEDGE),
            Entry(
                page="destinations", label="Destinations", icon="handoffs", area=Area.INTEGRATIONS
            ),
            Entry(page="variants", label="Variants", icon="variants", area=Area.KNOWLEDGE),
            Entry(
                page="test_panel",
                label="Test",
                icon="test",
                area=Area.KNOWLEDGE,
                access=Access.EDIT,
            ),
            Entry(page="agent", label="AI agent", icon="agent", area=Area.TOOLS),
        ),
    ),
    Group(
        key="configure",
        label="Configure",
        entries=(
            Entry(
                page="integrations",
                label="Integrations",
                icon="integrations",
                area=Area.INTEGRATIONS,
                letter="i",
            ),
            Entry(page="widget", label="Widget", icon="widget", area=Area.WIDGETS),
            Entry(page="secrets", label="Secrets", icon="api_keys", area=Area.ACCOUNT),
            Entry(page="tool_apis", label="Tool APIs", icon="tools", area=Area.ACCOUNT),
        ),
    ),
    Group(
        key="operate",
        label="Operate",
        entries=(
            Entry(page="live", label="Live", icon="live", area=Area.CONVERSATIONS, letter="l"),
            Entry(
                page="conversations",
                label="Conversations",
                icon="conversations",
                area=Area.CONVERSATIONS,
                letter="c",
            ),
            Entry(
                page="handoffs",
                label="Handoffs",
                icon="handoffs",
                area=Area.CONVERSATIONS,
                letter="h",
            ),
            Entry(
                page="text_messages",
                label="Text messages",
                icon="conversations",
                area=Area.CONVERSATIONS,
            ),
            Entry(page="project_log", label="Log", icon="log", area=Area.CONVERSATIONS),
            Entry(
                page="analytics",
                label="Analytics",
                icon="analytics",
                area=Area.ANALYTICS,
                letter="a",
            ),
            Entry(page="alerts", label="Alerts", icon="warning", area=Area.INTEGRATIONS),
        ),
    ),
    Group(
        key="deploy",
        label="Deploy",
        entries=(
            Entry(
                page="environments",
                label="Environments",
                icon="environments",
                area=Area.DEPLOYMENTS,
            ),
        ),
    ),
    Group(
        key="settings",
        label="Settings",
        entries=(
            Entry(page="project_settings", label="Project", icon="settings", area=Area.ACCOUNT),
            Entry(page="members", label="Members", icon="members", area=Area.ACCOUNT),
            Entry(page="api_keys", label="API keys", icon="api_keys", area=Area.ACCOUNT),
            Entry(page="webhooks", label="Webhooks", icon="webhooks", area=Area.ACCOUNT),
            Entry(page="audit", label="Audit", icon="audit", area=Area.AUDIT),
            Entry(page="retention", label="Retention", icon="retention", area=Area.ACCOUNT),
        ),
    ),
)


def menu_of(
    project: Project, membership: Membership, *, path: str, folded: frozenset[str]
) -> list[Section]:
    """Return what a member may open of a project, by group; `path` is where they are."""
    sections = []
    for group in MENU:
        links = tuple(_links(group, project, membership, path))
        # Where one is, is never folded away.
        is_folded = group.key in folded and not any(link.is_current for link in links)
        if links:
            sections.append(Section(group=group, links=links, is_folded=is_folded))
    return sections


def _links(group: Group, project: Project, membership: Membership, path: str) -> Iterator[Link]:
    for entry in group.entries:
        if membership.access(entry.area) >= entry.access:
            href = reverse(entry.page, args=[project.public_id])
            yield Link(entry=entry, href=href, is_current=path.startswith(href))
