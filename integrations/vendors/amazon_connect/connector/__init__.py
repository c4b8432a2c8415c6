from integrations.vendors.amazon_connect.connector.connector import AmazonConnectConnector

__all__ = ["AmazonConnectConnector"]
