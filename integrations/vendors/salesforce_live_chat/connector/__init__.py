from integrations.vendors.salesforce_live_chat.connector.connector import (
    SalesforceLiveChatConnector,
)

__all__ = ["SalesforceLiveChatConnector"]
