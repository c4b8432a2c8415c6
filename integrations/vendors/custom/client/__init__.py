from integrations.vendors.custom.client.api import CustomClient

__all__ = ["CustomClient"]
