from integrations.vendors.zendesk.client.api import ZendeskMessagingClient

__all__ = ["ZendeskMessagingClient"]
