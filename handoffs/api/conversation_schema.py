"""What /api/schema says of the Conversations API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from conversations.api.schema import ACCOUNT_AND_PROJECT, Interface
from conversations.survey.schema import SurveyOut
from handoffs.api.schema import HandoffDetails
from handoffs.portal.conversations.listing import OUTCOMES
from integrations.models import Environment

API = Interface(
    "Conversations API", ["apiKey"], _401="UNAUTHORIZED", _403="FORBIDDEN", _429="RATE_LIMITED"
)
CHANNELS = ("WEBCHAT", "CHAT", "WHATSAPP", "SMS")
PARAMETERS = [
    *ACCOUNT_AND_PROJECT,
    OpenApiParameter("start_time", OpenApiTypes.DATETIME, description="Started then or later."),
    OpenApiParameter("end_time", OpenApiTypes.DATETIME, description="Started before."),
    OpenApiParameter(
        "client_env", enum=Environment.values, default="live", description="The environment."
    ),
    OpenApiParameter(
        "channel", enum=CHANNELS, many=True, description="Several times for several channels."
    ),
    OpenApiParameter("variant_id", description="The variant by its id, VARIANT-…."),
    OpenApiParameter("variant_name", description="The variant by its name of today."),
    OpenApiParameter(
        "reason",
        many=True,
        description="A handoff has this reason: a code of the project's list, a reason as it was "
        "said, or `other` for those that are none of the list.",
    ),
    OpenApiParameter(
        "q",
        description="Words that all occur, a phrase in quotation marks, an e-mail address, a "
        "telephone number or any id; filters such as agent:noor. As the search of the page "
        "Conversations; without times it looks through the newest 90 days.",
    ),
    *(
        OpenApiParameter(name, description=f"The {what}, exactly.")
        for name, what in (
            ("topic", "topic"),
            ("vendor", "vendor, by its integration key or an alias"),
            ("queue", "queue"),
            ("agent", "live agent, or a part of the name"),
            ("tag", "tag"),
        )
    ),
    OpenApiParameter("outcome", enum=[*OUTCOMES], description="What became of it."),
    OpenApiParameter("rating", description="Stars that were given, as in 5, <3 or >=4."),
    OpenApiParameter("in_progress", OpenApiTypes.BOOL, description="Only those (not) going on."),
    OpenApiParameter("limit", OpenApiTypes.INT, default=5, description="From 1 to 5000."),
    OpenApiParameter("cursor", description="next_cursor of the page before, as it came."),
    OpenApiParameter(
        "offset", OpenApiTypes.INT, default=0, description="Pages that move; not with cursor."
    ),
]


class ConversationTurn(serializers.Serializer[Any]):
    """What the end user said, and what was answered."""

    user_input = serializers.CharField(allow_blank=True)
    user_input_datetime = serializers.DateTimeField(allow_null=True)
    agent_response = serializers.CharField(allow_blank=True)
    agent_response_datetime = serializers.DateTimeField(allow_null=True)
    latency = serializers.FloatField(allow_null=True, help_text="Seconds.")
    intents = serializers.ListField(child=serializers.DictField(), help_text="Always empty.")
    entities = serializers.ListField(child=serializers.DictField(), help_text="Always empty.")
    is_ood = serializers.BooleanField(help_text="Always false.")
    is_silence = serializers.BooleanField()


class ConversationLiveAgentTurn(ConversationTurn):
    """What the end user said to a live agent, and the answer."""

    agent_id = serializers.CharField(allow_blank=True)
    agent_name = serializers.CharField(allow_blank=True)


class ConversationItem(serializers.Serializer[Any]):
    """A conversation; texts that are empty are "", never null."""

    id = serializers.CharField()
    account_id = serializers.CharField()
    project_id = serializers.CharField()
    variant_id = serializers.CharField(allow_blank=True)
    variant_name = serializers.CharField(allow_blank=True)
    environment = serializers.CharField()
    started_at = serializers.DateTimeField()
    channel = serializers.ChoiceField(CHANNELS)
    from_number = serializers.CharField(allow_blank=True)
    to_number = serializers.CharField(allow_blank=True)
    in_progress = serializers.BooleanField()
    num_turns = serializers.IntegerField()
    total_duration = serializers.FloatField(help_text="Seconds.")
    polyai_duration = serializers.FloatField(help_text="Seconds without the handoffs.")
    bot_duration = serializers.FloatField(help_text="The same as polyai_duration.")
    handoff = serializers.BooleanField()
    handoff_reason = serializers.CharField(allow_blank=True, help_text="Of the latest handoff.")
    handoff_reason_code = serializers.CharField(
        allow_blank=True, help_text="Of the project's list of reasons."
    )
    handoff_destination = serializers.CharField(allow_blank=True)
    handoffs = HandoffDetails(many=True, help_text="Each of them, oldest first.")
    metrics = serializers.DictField(help_text="Always empty.")
    state = serializers.DictField(help_text="conv.state, in full.")
    turns = ConversationTurn(many=True)
    live_agent_turns = ConversationLiveAgentTurn(many=True)
    csat = SurveyOut(allow_null=True, help_text="The survey; null where none was asked.")
    topic = serializers.CharField(allow_blank=True, help_text="The last that was understood.")
    outcome = serializers.CharField(
        allow_blank=True,
        help_text="Empty while it goes on; else contained, nothing_said, or what became of its "
        "handoff: answered, abandoned, failed and so on.",
    )
    tags = serializers.ListField(child=serializers.CharField())


@extend_schema_serializer(component_name="ConversationsOut")
class ConversationPage(serializers.Serializer[Any]):
    """A page, newest first."""

    conversations = ConversationItem(many=True)
    next_cursor = serializers.CharField(allow_null=True)


_TIME = "2026-11-20T09:13:50.123456+00:00"
PAGE = OpenApiExample(
    "A conversation without a handoff",
    value={
        "conversations": [
            {
                "id": "CONV-0193f2a4c1d27a8e9b7c5d3e1f0a2b4c",
                "account_id": "ws-4f1c2d3e",
                "project_id": "PROJECT-AB12CD34",
                "variant_id": "",
                "variant_name": "",
                "environment": "live",
                "started_at": _TIME,
                "channel": "WEBCHAT",
                "from_number": "",
                "to_number": "",
                "in_progress": False,
                "num_turns": 1,
                "total_duration": 31.5,
                "polyai_duration": 31.5,
                "bot_duration": 31.5,
                "handoff": False,
                "handoff_reason": "",
                "handoff_reason_code": "",
                "handoff_destination": "",
                "handoffs": [],
                "metrics": {},
                "state": {},
                "turns": [
                    {
                        "user_input": "When are you open?",
                        "user_input_datetime": _TIME,
                        "agent_response": "From nine to five.",
                        "agent_response_datetime": _TIME,
                        "latency": 0.142,
                        "intents": [],
                        "entities": [],
                        "is_ood": False,
                        "is_silence": False,
                    }
                ],
                "live_agent_turns": [],
                "csat": None,
                "topic": "Opening hours",
                "outcome": "contained",
                "tags": [],
            }
        ],
        "next_cursor": None,
    },
)
