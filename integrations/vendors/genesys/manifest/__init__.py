from integrations.vendors.genesys.manifest.vendor import MANIFEST

__all__ = ["MANIFEST"]
