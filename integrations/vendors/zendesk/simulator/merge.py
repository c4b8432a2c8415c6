"""What a merge of two users does: the surviving conversation has another id."""

from __future__ import annotations

from integrations.vendors.zendesk.simulator.answers import truncated_conversation, truncated_user
from integrations.vendors.zendesk.simulator.state import Conversation, User, Webhook, new_id
from integrations.vendors.zendesk.simulator.world import World


def merge_user(world: World, conversation: Conversation) -> None:
    """Merge the end user into one who came from elsewhere; ids of both records change."""
    account = world.account
    discarded_user = account.person(conversation)
    if discarded_user is None:
        return
    discarded = truncated_conversation(account, conversation)
    user = User(
        external_id=f"merged:{discarded_user.external_id}",
        profile=discarded_user.profile,
        metadata=discarded_user.metadata,
        signed_up_at=discarded_user.signed_up_at,
        zendesk_id=discarded_user.zendesk_id,
    )
    account.users[user.user_id] = user
    for one in conversation.participants:
        one.user_id = user.user_id
    for message in conversation.messages:
        if message.is_from_user:
            message.author["userId"] = user.user_id
    del account.users[discarded_user.user_id]
    del account.conversations[conversation.conversation_id]
    conversation.conversation_id = new_id()
    account.conversations[conversation.conversation_id] = conversation
    for number in conversation.ticket_ids:
        account.tickets[number].conversation_id = conversation.conversation_id
    surviving = truncated_conversation(account, conversation)

    def payload(_webhook: Webhook) -> dict[str, object]:
        return {
            "mergedUsers": {
                "surviving": truncated_user(user),
                "discarded": truncated_user(discarded_user),
            },
            "mergedConversations": {"surviving": surviving, "discarded": discarded},
            "reason": "channelLinking",
        }

    world.events.publish("user:merge", payload, conversation=conversation)
