from integrations.vendors.custom.connector.connector import CustomConnector

__all__ = ["CustomConnector"]
