from integrations.vendors.amazon_connect.client.connect import AmazonConnectClient

__all__ = ["AmazonConnectClient"]
