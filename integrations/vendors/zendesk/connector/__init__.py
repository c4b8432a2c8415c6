from integrations.vendors.zendesk.connector.connector import ZendeskConnector

__all__ = ["ZendeskConnector"]
