from integrations.vendors.five9.connector.connector import Five9Connector

__all__ = ["Five9Connector"]
