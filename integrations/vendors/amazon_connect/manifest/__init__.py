from integrations.vendors.amazon_connect.manifest.vendor import MANIFEST

__all__ = ["MANIFEST"]
