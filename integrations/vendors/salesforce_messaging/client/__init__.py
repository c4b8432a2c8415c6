from integrations.vendors.salesforce_messaging.client.api import SalesforceMessagingClient

__all__ = ["SalesforceMessagingClient"]
