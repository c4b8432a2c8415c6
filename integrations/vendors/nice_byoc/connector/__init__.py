from integrations.vendors.nice_byoc.connector.connector import NiceByocConnector

__all__ = ["NiceByocConnector"]
