from integrations.vendors.zendesk.manifest.vendor import MANIFEST

__all__ = ["MANIFEST"]
