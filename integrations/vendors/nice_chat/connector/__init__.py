from integrations.vendors.nice_chat.connector.connector import NiceChatConnector

__all__ = ["NiceChatConnector"]
