"""Who has control of a conversation: Zendesk's live agents, this portal, or somebody else."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.vendors.zendesk.mapping.json import Json, as_object, as_text

NEXT = "next"
AGENT_WORKSPACE_TYPE = "zd:agentWorkspace"
AGENT_WORKSPACE_NAME = "zd-agentWorkspace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switchboard:
    """Reads switchboard integrations with the eyes of one connection.

    `target` is where control is passed, `own_name` this portal's own entry; both as configured.
    """

    integration_id: str
    own_name: str
    target: str

    def is_own(self, entry: Json) -> bool:
        """Say whether an entry is this portal's."""
        if as_text(entry.get("integrationId")) == self.integration_id and self.integration_id:
            return True
        return bool(self.own_name) and entry.get("name") == self.own_name

    def is_agents(self, entry: Json) -> bool:
        """Say whether an entry is that of the live agents."""
        kind, name = entry.get("integrationType"), entry.get("name")
        if kind == AGENT_WORKSPACE_TYPE or name == AGENT_WORKSPACE_NAME:
            return True
        return self.target != NEXT and self.target in (entry.get("id"), name, kind)

    def own_target(self, conversation: Json) -> str:
        """Return the name or id under which control can be passed to this portal, if any."""
        for entry in (active_of(conversation), pending_of(conversation)):
            if self.is_own(entry) and (found := as_text(entry.get("id"))):
                return found
        return self.own_name

    def agents_target(self, active: Json) -> str:
        """Return where to pass control; `next` would lead past live agents who have it already."""
        if self.target == NEXT and self.is_agents(active):
            return as_text(active.get("id")) or AGENT_WORKSPACE_NAME
        return self.target


def active_of(conversation: Json) -> Json:
    """Return the integration in control; empty when nobody is."""
    return as_object(conversation.get("activeSwitchboardIntegration"))


def pending_of(conversation: Json) -> Json:
    """Return the integration that was offered control; empty without one."""
    return as_object(conversation.get("pendingSwitchboardIntegration"))
