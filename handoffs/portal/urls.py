"""Route the portal's pages that know of handoffs, and the tool editor, which reads payloads."""

from __future__ import annotations

from django.urls import path

from conversations.ai_agent.tools.views import tool_edit, tool_new
from handoffs.portal.alerts.views import alerts
from handoffs.portal.analytics.views import analytics, analytics_export
from handoffs.portal.command_box.views import find_answers, find_page
from handoffs.portal.connection_views import connect_done, connect_verify, disconnect
from handoffs.portal.conversations.detail_views import (
    conversation,
    conversation_live,
    conversation_text,
)
from handoffs.portal.conversations.mark_views import note_add, note_edit, tag_add, tag_remove
from handoffs.portal.destinations.views import (
    destination,
    destination_copy,
    destination_default,
    destination_new,
    destination_remove,
    destinations,
)
from handoffs.portal.environments.views import compare, deploy, environments, follow_draft
from handoffs.portal.erasure.hold_views import hold_end, holds
from handoffs.portal.erasure.views import (
    erasure,
    person,
    person_export,
    person_find,
    retention,
)
from handoffs.portal.health.views import health
from handoffs.portal.lists.act_views import list_act
from handoffs.portal.lists.audit_list_views import audit, audit_export
from handoffs.portal.lists.conversation_list_views import conversations, conversations_export
from handoffs.portal.lists.handoff_list_views import handoffs, handoffs_export
from handoffs.portal.lists.log_list_views import project_log, project_log_export
from handoffs.portal.lists.long_export_views import (
    list_export_file,
    list_export_start,
    list_exports,
)
from handoffs.portal.lists.saved_view_views import saved_view_add, saved_view_remove
from handoffs.portal.live.drawer_views import live_drawer
from handoffs.portal.live.views import live, live_act
from handoffs.portal.one_handoff.transcript_page import transcript_page
from handoffs.portal.overview.views import first_steps_show, project_home, projects
from handoffs.portal.trials.agent_trial import agent_test
from handoffs.portal.trials.panel_views import (
    test_panel,
    test_talk,
    test_talk_end,
    test_talk_live,
)
from handoffs.portal.trials.tool_run_views import tool_run_page
from handoffs.portal.trials.trial_handoff_views import trial_handoff, trial_handoff_run
from handoffs.portal.views import handoff, handoff_bundle, handoff_live, handoff_text
from handoffs.starting.judging import payload_reader

_ANALYTICS = "p/<str:project_id>/analytics/"
_CONVERSATIONS = "p/<str:project_id>/conversations/"
_CONVERSATION = f"{_CONVERSATIONS}<str:conversation_id>/"
_ENVIRONMENTS = "p/<str:project_id>/environments/"
_HANDOFFS = "p/<str:project_id>/handoffs/"
_LISTS = "p/<str:project_id>/lists/"
_TILE = "p/<str:project_id>/integrations/<str:environment>/<connection:connection>/"
_DESTINATIONS = "p/<str:project_id>/destinations/"
_DESTINATION = f"{_DESTINATIONS}<int:destination_id>/"
_TEST = "p/<str:project_id>/test/"
_TEST_TALK = f"{_TEST}<str:conversation_id>/"
_TOOLS = "p/<str:project_id>/tools/"
_READER = {"payload_reader": payload_reader}

_RETENTION = "p/<str:project_id>/settings/retention/"

urlpatterns = [
    path("projects/", projects, name="projects"),
    path("p/<str:project_id>/", project_home, name="project_home"),
    path("p/<str:project_id>/first-steps/", first_steps_show, name="first_steps"),
    path("p/<str:project_id>/find/", find_page, name="find"),
    path("p/<str:project_id>/find/answers/", find_answers, name="find_answers"),
    path("transcripts/<str:token>/", transcript_page, name="transcript"),
    path("p/<str:project_id>/ai-agent/test/", agent_test, name="agent_test"),
    path(_ANALYTICS, analytics, name="analytics"),
    path(f"{_LISTS}exports/", list_exports, name="list_exports"),
    path(f"{_LISTS}exports/<uuid:export_id>/", list_export_file, name="list_export_file"),
    path(f"{_LISTS}<str:page>/export/", list_export_start, name="list_export_start"),
    path(f"{_LISTS}<str:page>/act/", list_act, name="list_act"),
    path(f"{_LISTS}<str:page>/views/", saved_view_add, name="saved_view_add"),
    path(f"{_LISTS}views/<int:view_id>/remove/", saved_view_remove, name="saved_view_remove"),
    path(f"{_ANALYTICS}export/", analytics_export, name="analytics_export"),
    path(f"{_ANALYTICS}<str:tab>/", analytics, name="analytics_tab"),
    path(_CONVERSATIONS, conversations, name="conversations"),
    path(f"{_CONVERSATIONS}export/", conversations_export, name="conversations_export"),
    path(_CONVERSATION, conversation, name="conversation"),
    path(f"{_CONVERSATION}live/", conversation_live, name="conversation_live"),
    path(f"{_CONVERSATION}text/", conversation_text, name="conversation_text"),
    path(f"{_CONVERSATION}notes/", note_add, name="conversation_note"),
    path(f"{_CONVERSATION}notes/<uuid:note_id>/", note_edit, name="conversation_note_edit"),
    path(f"{_CONVERSATION}tags/", tag_add, name="conversation_tag"),
    path(f"{_CONVERSATION}tags/remove/", tag_remove, name="conversation_tag_remove"),
    path("p/<str:project_id>/alerts/", alerts, name="alerts"),
    path("p/<str:project_id>/log/", project_log, name="project_log"),
    path("p/<str:project_id>/log/export/", project_log_export, name="project_log_export"),
    path("p/<str:project_id>/settings/audit/", audit, name="audit"),
    path("p/<str:project_id>/settings/audit/export/", audit_export, name="audit_export"),
    path(_RETENTION, retention, name="retention"),
    path(f"{_RETENTION}find/", person_find, name="person_find"),
    path(f"{_RETENTION}holds/", holds, name="holds"),
    path(f"{_RETENTION}holds/<int:hold_id>/lift/", hold_end, name="hold_lift"),
    path(f"{_RETENTION}people/<int:person_id>/", person, name="person"),
    path(f"{_RETENTION}people/<int:person_id>/export/", person_export, name="person_export"),
    path(f"{_RETENTION}erasures/<uuid:erasure_id>/", erasure, name="erasure"),
    path(_ENVIRONMENTS, environments, name="environments"),
    path(f"{_ENVIRONMENTS}compare/", compare, name="release_compare"),
    path(f"{_ENVIRONMENTS}follow-draft/", follow_draft, name="follow_draft"),
    path(f"{_ENVIRONMENTS}<str:environment>/deploy/", deploy, name="release_deploy"),
    path("p/<str:project_id>/live/", live, name="live"),
    path("p/<str:project_id>/live/act/", live_act, name="live_act"),
    path("p/<str:project_id>/live/<str:handoff_id>/", live_drawer, name="live_drawer"),
    path(_HANDOFFS, handoffs, name="handoffs"),
    path(f"{_HANDOFFS}export/", handoffs_export, name="handoffs_export"),
    path(f"{_HANDOFFS}<str:handoff_id>/", handoff, name="handoff"),
    path(f"{_HANDOFFS}<str:handoff_id>/live/", handoff_live, name="handoff_live"),
    path(f"{_HANDOFFS}<str:handoff_id>/bundle/", handoff_bundle, name="handoff_bundle"),
    path(f"{_HANDOFFS}<str:handoff_id>/text/", handoff_text, name="handoff_text"),
    path(_TEST, test_panel, name="test_panel"),
    path(_TEST_TALK, test_talk, name="test_talk"),
    path(f"{_TEST_TALK}live/", test_talk_live, name="test_talk_live"),
    path(f"{_TEST_TALK}end/", test_talk_end, name="test_talk_end"),
    path(f"{_TILE}health/", health, name="integration_health"),
    path(f"{_TILE}connect/done/", connect_done, name="connect_done"),
    path(f"{_TILE}connect/verify/", connect_verify, name="connect_verify"),
    path(f"{_TILE}test-handoff/", trial_handoff, name="trial_handoff"),
    path(f"{_TILE}test-handoff/run/", trial_handoff_run, name="trial_handoff_run"),
    path(f"{_TILE}disconnect/", disconnect, name="integration_disconnect"),
    path(_DESTINATIONS, destinations, name="destinations"),
    path(f"{_DESTINATIONS}new/", destination_new, name="destination_new"),
    path(_DESTINATION, destination, name="destination"),
    path(f"{_DESTINATION}copy/", destination_copy, name="destination_copy"),
    path(f"{_DESTINATION}default/", destination_default, name="destination_default"),
    path(f"{_DESTINATION}delete/", destination_remove, name="destination_delete"),
    path(f"{_TOOLS}new/", tool_new, _READER, name="tool_new"),
    path(f"{_TOOLS}run/", tool_run_page, name="tool_run"),
    path(f"{_TOOLS}<int:tool_id>/", tool_edit, _READER, name="tool_edit"),
    path(f"{_TOOLS}<int:tool_id>/run/", tool_run_page, name="tool_run"),
]
