from integrations.vendors.genesys.client.api import GenesysClient

__all__ = ["GenesysClient"]
