"""Every text that Baton itself may say to an end user, in English; further ones are in words/."""

from __future__ import annotations

from integrations.behaviour.sentence import Sentence, Tongue, filled


def sentence(key: str, locale: str, **values: object) -> str:
    """Return a text in the language of a conversation's locale."""
    return filled(worded(key, locale), values)


def worded(key: str, locale: str) -> str:
    """Return a text with its places empty, in the project's own words where it has some."""
    own = locale.own.get(key) if isinstance(locale, Tongue) else ""
    return own or SENTENCES[key].in_language_of(locale)


def own_or(own: str, key: str, locale: str) -> str:
    """Return a project's own text; ours for none, and for the one every project begins with.

    What it words anew in the locale's language comes before either.
    """
    said = locale.own.get(key) if isinstance(locale, Tongue) else ""
    return said or (sentence(key, locale) if own in ("", SENTENCES[key].en) else own)


# ---- standard responses: while waiting, and when nobody is there ----

_STANDARD_RESPONSES = (
    Sentence(
        key="wait_update",
        label="While waiting",
        en="Thank you for waiting. Somebody will be with you as soon as possible.",
    ),
    Sentence(
        key="wait_position",
        label="While waiting, with the place in the queue",
        en="You are number {{queue_position}} in the queue.",
        variables=("queue_position",),
    ),
    Sentence(
        key="wait_time",
        label="While waiting, with the expected time",
        en="The expected wait is {{wait_minutes}} min.",
        variables=("wait_minutes",),
    ),
    Sentence(
        key="looking_for_agent",
        label="Before the fallback is tried",
        en="It takes a little longer: we are looking for somebody else who can help you.",
    ),
    Sentence(
        key="no_agents",
        label="Nobody is available",
        en="Nobody is available to take over right now.",
    ),
    Sentence(
        key="out_of_hours",
        label="Out of hours",
        en="Our team is not there at this hour.",
    ),
    Sentence(
        key="ticket_opened",
        label="A ticket was opened",
        en="Nobody could take over right now. Your request is noted as ticket "
        "{{ticket_number}}, and somebody will look at it.",
        variables=("ticket_number",),
    ),
    Sentence(
        key="inactivity_warning",
        label="Before closing for silence",
        en="Are you still there? This conversation closes soon if you do not write.",
        variables=("agent_name",),
    ),
    Sentence(
        key="conversation_closed",
        label="Closed for silence",
        en="This conversation was closed because nothing was written for a while.",
        variables=("agent_name",),
    ),
)

# ---- what happens in a handoff ----

_HANDOFF = (
    Sentence(
        key="handoff_failed",
        en="You could not be connected with a person right now.",
    ),
    Sentence(
        key="transfer_failed",
        en="Nobody is available to take over right now.",
    ),
    Sentence(
        key="transfer",
        en="You are being transferred. Stay in this chat.",
    ),
    Sentence(
        key="live_agent_name",
        en="Live agent",
    ),
    Sentence(
        key="another_joined",
        en="{{name}} joined the conversation.",
        variables=("name",),
    ),
    Sentence(
        key="another_joined_unnamed",
        en="A live agent joined the conversation.",
    ),
    Sentence(
        key="one_left",
        en="{{name}} left the conversation.",
        variables=("name",),
    ),
    Sentence(
        key="one_left_unnamed",
        en="A live agent left the conversation.",
    ),
    Sentence(
        key="not_delivered",
        en="This message was not delivered.",
    ),
    Sentence(
        key="vendor_idle",
        en="This conversation was closed because nothing was written for a while.",
    ),
    Sentence(
        key="vendor_time_limit",
        en="This conversation was closed because it had lasted as long as one may last.",
    ),
    Sentence(
        key="message_edited",
        en="A message was changed. It now reads: {{text}}",
        variables=("text",),
    ),
    Sentence(
        key="conversation_over",
        en="This conversation has ended. Write again to begin a new one.",
    ),
    Sentence(
        key="text_file_not_fetched",
        en="Your file could not be received. Send it again, or in another way.",
    ),
    Sentence(
        key="text_file_not_taken",
        en="Your file is not taken here: its kind or its size. Try a smaller picture.",
    ),
    Sentence(
        key="message_deleted",
        en="A message was taken back.",
    ),
    Sentence(
        key="content_not_drawn",
        en="This message has a content that cannot be shown here.",
    ),
    Sentence(
        key="open_file",
        en="Open the file",
    ),
    Sentence(
        key="file_not_fetched",
        en="The live agent sent the file {{file_name}}. It could not be fetched; ask for it in "
        "another way.",
        variables=("file_name",),
    ),
)

# ---- the AI agent, where its project has no words of its own ----

_AI_AGENT = (
    Sentence(
        key="ai_agent_name",
        en="AI agent",
    ),
    Sentence(
        key="greeting",
        en="Hello. How can I help you today?",
    ),
    Sentence(
        key="no_match",
        en="I don't have an answer to that. You can ask me to connect you with a person.",
    ),
    Sentence(
        key="handing_over",
        en="One moment, I am connecting you with a person.",
    ),
    Sentence(
        key="human_declined",
        en="I cannot connect you with a person here. Tell me what it is about, and I will try.",
    ),
    Sentence(
        key="human_offered",
        en="Shall I connect you with a person?",
    ),
    Sentence(
        key="human_later",
        en="Tell me first what it is about. If I cannot help, ask again for a person.",
    ),
    Sentence(
        key="offer_declined",
        en="All right. What else can I do for you?",
    ),
    Sentence(
        key="ask_value",
        en="Please tell me: {{what}}",
        variables=("what",),
    ),
    Sentence(
        key="ask_value_again",
        en="Sorry, I could not make sense of that. {{question}}",
        variables=("question",),
    ),
    Sentence(
        key="tool_failed",
        en="I could not do that just now. Try again, or ask me something else.",
    ),
)

# ---- why a message or a wish is not taken ----

_REFUSALS = (
    Sentence(
        key="conversation_ended",
        en="This conversation has ended. Start a new one.",
    ),
    Sentence(
        key="only_live_agent_ends",
        en="Only the live agent can end this conversation.",
    ),
    Sentence(
        key="choice_closed",
        en="This choice cannot be taken any more.",
    ),
    Sentence(
        key="nothing_to_cancel",
        en="There is no waiting handoff to cancel.",
    ),
    Sentence(
        key="retry_too_late",
        en="The live agent it was for has gone. Write the message anew.",
    ),
    Sentence(
        key="retry_on_its_way",
        en="This message is on its way or has arrived already.",
    ),
    Sentence(
        key="files_need_live_agent",
        en="Files can only be sent while a live agent is asked for.",
    ),
    Sentence(
        key="files_not_taken",
        en="Files can only be sent to a live agent who takes them.",
    ),
    Sentence(
        key="ai_agent_is_behind",
        en="{{number}} messages wait for the AI agent already. Send it again later.",
        variables=("number",),
    ),
    Sentence(
        key="live_agent_is_behind",
        en="{{number}} messages wait for the live agent already. Send it again later.",
        variables=("number",),
    ),
    Sentence(
        key="messages_a_minute",
        en="At most {{number}} messages a minute. Send it again later.",
        variables=("number",),
    ),
    Sentence(
        key="frames_a_second",
        en="At most {{number}} frames a second. Send it again later.",
        variables=("number",),
    ),
    Sentence(
        key="frame_too_large",
        en="The frame has {{number}} bytes; {{limit}} are allowed.",
        variables=("number", "limit"),
    ),
    Sentence(
        key="message_too_long",
        en="payload.text has {{number}} characters; {{limit}} are allowed.",
        variables=("number", "limit"),
    ),
)

# ---- the safety filter before the AI agent ----

_SAFETY = (
    Sentence(
        key="safety_blocked",
        en="I cannot help with that here. Ask me something else, or ask for a person.",
    ),
)

# ---- the survey after a conversation ----

_SURVEY = (
    Sentence(
        key="survey_title",
        en="How did it go?",
    ),
    Sentence(
        key="survey_question_bot",
        en="How do you rate the AI agent?",
    ),
    Sentence(
        key="survey_question_live_agent",
        en="How do you rate the live agent?",
    ),
    Sentence(
        key="survey_by_text",
        en="Answer with a number from 1 (bad) to 5 (good). 0 skips it.",
    ),
    Sentence(
        key="survey_by_text_two",
        en="Answer with two numbers from 1 (bad) to 5 (good), such as 4 5. 0 skips it.",
    ),
    Sentence(
        key="survey_by_text_comment",
        en="You may add a few words.",
    ),
    # What is typed to skip, where there is no button for it.
    Sentence(key="survey_skip_word", en="skip"),
    Sentence(
        key="survey_thanks",
        en="Thank you. Your rating is noted.",
    ),
    Sentence(
        key="survey_skipped",
        en="All right, no rating.",
    ),
    Sentence(
        key="survey_none",
        en="There is nothing to rate in this conversation.",
    ),
    Sentence(
        key="survey_over",
        en="The time to rate this conversation is over.",
    ),
    Sentence(
        key="survey_answered",
        en="This conversation is rated already.",
    ),
)

SENTENCES = {
    one.key: one
    for one in (*_STANDARD_RESPONSES, *_HANDOFF, *_AI_AGENT, *_REFUSALS, *_SURVEY, *_SAFETY)
}
