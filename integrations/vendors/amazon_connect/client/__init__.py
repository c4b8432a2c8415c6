from integrations.vendors.amazon_connect.client.api import AmazonConnectClient

__all__ = ["AmazonConnectClient"]
