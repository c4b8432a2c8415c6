"""Route the portal's pages about the AI agent, the widget and webhooks.

The editor of a tool is routed by the application that can read what a tool hands over.
"""

from __future__ import annotations

from django.urls import path

from conversations.ai_agent.flows.views import flow, flow_new, flow_remove, flow_step, flows
from conversations.ai_agent.means.views import (
    secret_edit,
    secret_remove,
    secrets,
    tool_api_edit,
    tool_api_remove,
    tool_apis,
    tool_values,
)
from conversations.ai_agent.runtimes.views import agent_secret, agent_settings
from conversations.ai_agent.safety.views import safety
from conversations.ai_agent.tools.views import tool_remove, tools
from conversations.ai_agent.topic_views import (
    topic_edit,
    topic_new,
    topic_remove,
    topic_try,
    topics,
)
from conversations.ai_agent.topics.policy_views import handoff_rules
from conversations.ai_agent.variants.views import (
    variant_edit,
    variant_new,
    variant_remove,
    variants,
)
from conversations.sms.views import text_messages, text_survey
from conversations.webhooks.views import (
    webhook,
    webhook_new,
    webhook_remove,
    webhook_resend,
    webhook_secret,
    webhook_test,
    webhooks,
)
from conversations.widget.section_views import widget_section, words
from conversations.widget.views import widget, widget_new, widget_page, widget_token

_AGENT = "p/<str:project_id>/ai-agent/"
_FLOWS = "p/<str:project_id>/flows/"
_TOPICS = "p/<str:project_id>/topics/"
_TOOLS = "p/<str:project_id>/tools/"
_VARIANTS = "p/<str:project_id>/variants/"
_SECRETS = "p/<str:project_id>/secrets/"
_APIS = "p/<str:project_id>/tool-apis/"
_WIDGET = "p/<str:project_id>/widget/"
_WEBHOOKS = "p/<str:project_id>/settings/webhooks/"
_WEBHOOK = f"{_WEBHOOKS}<str:endpoint_id>/"

urlpatterns = [
    path(_AGENT, agent_settings, name="agent"),
    path(f"{_AGENT}secret/", agent_secret, name="agent_secret"),
    path(_FLOWS, flows, name="flows"),
    path(f"{_FLOWS}new/", flow_new, name="flow_new"),
    path(f"{_FLOWS}<int:flow_id>/", flow, name="flow"),
    path(f"{_FLOWS}<int:flow_id>/delete/", flow_remove, name="flow_delete"),
    path(f"{_FLOWS}<int:flow_id>/steps/", flow_step, name="flow_step"),
    path(f"{_FLOWS}<int:flow_id>/steps/<int:at>/", flow_step, name="flow_step"),
    path(_TOPICS, topics, name="topics"),
    path(f"{_TOPICS}new/", topic_new, name="topic_new"),
    path(f"{_TOPICS}try/", topic_try, name="topic_try"),
    path(f"{_TOPICS}<int:topic_id>/", topic_edit, name="topic_edit"),
    path(f"{_TOPICS}<int:topic_id>/delete/", topic_remove, name="topic_delete"),
    path("p/<str:project_id>/handoff-rules/", handoff_rules, name="handoff_rules"),
    path(_TOOLS, tools, name="tools"),
    path(f"{_TOOLS}<int:tool_id>/delete/", tool_remove, name="tool_delete"),
    path(_VARIANTS, variants, name="variants"),
    path(f"{_VARIANTS}new/", variant_new, name="variant_new"),
    path(f"{_VARIANTS}<int:variant_id>/", variant_edit, name="variant_edit"),
    path(f"{_VARIANTS}<int:variant_id>/delete/", variant_remove, name="variant_delete"),
    path(f"{_TOOLS}values/", tool_values, name="tool_values"),
    path(_SECRETS, secrets, name="secrets"),
    path(f"{_SECRETS}new/", secret_edit, name="secret_new"),
    path(f"{_SECRETS}<int:secret_id>/", secret_edit, name="secret_edit"),
    path(f"{_SECRETS}<int:secret_id>/delete/", secret_remove, name="secret_delete"),
    path(_APIS, tool_apis, name="tool_apis"),
    path(f"{_APIS}new/", tool_api_edit, name="tool_api_new"),
    path(f"{_APIS}<int:api_id>/", tool_api_edit, name="tool_api_edit"),
    path(f"{_APIS}<int:api_id>/delete/", tool_api_remove, name="tool_api_delete"),
    path("p/<str:project_id>/safety/", safety, name="safety"),
    path(_WIDGET, widget, name="widget"),
    path(f"{_WIDGET}words/<slug:language>/", words, name="words"),
    path(f"{_WIDGET}new/", widget_new, name="widget_new"),
    path(f"{_WIDGET}<int:channel_id>/token/", widget_token, name="widget_token"),
    path(f"{_WIDGET}<int:channel_id>/<slug:section>/", widget_section, name="widget_section"),
    path(_WEBHOOKS, webhooks, name="webhooks"),
    path(f"{_WEBHOOKS}new/", webhook_new, name="webhook_new"),
    path(_WEBHOOK, webhook, name="webhook"),
    path(f"{_WEBHOOK}secret/", webhook_secret, name="webhook_secret"),
    path(f"{_WEBHOOK}test/", webhook_test, name="webhook_test"),
    path(f"{_WEBHOOK}delete/", webhook_remove, name="webhook_delete"),
    path(f"{_WEBHOOK}deliveries/<uuid:event_id>/", webhook_resend, name="webhook_resend"),
    path("p/<str:project_id>/text-messages/", text_messages, name="text_messages"),
    path(
        "p/<str:project_id>/text-messages/<str:environment>/survey/",
        text_survey,
        name="text_survey",
    ),
    path("w/<str:public_key>/", widget_page, name="widget_page"),
]
