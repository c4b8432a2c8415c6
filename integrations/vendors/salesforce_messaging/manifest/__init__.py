from integrations.vendors.salesforce_messaging.manifest.vendor import MANIFEST

__all__ = ["MANIFEST"]
