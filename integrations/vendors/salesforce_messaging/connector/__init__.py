from integrations.vendors.salesforce_messaging.connector.connector import (
    SalesforceMessagingConnector,
)

__all__ = ["SalesforceMessagingConnector"]
