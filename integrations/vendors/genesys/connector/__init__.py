from integrations.vendors.genesys.connector.connector import GenesysConnector

__all__ = ["GenesysConnector"]
