from integrations.vendors.webex.connector.connector import WebexConnector

__all__ = ["WebexConnector"]
