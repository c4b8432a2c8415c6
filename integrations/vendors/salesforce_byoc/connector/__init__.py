from integrations.vendors.salesforce_byoc.connector.connector import SalesforceByocConnector

__all__ = ["SalesforceByocConnector"]
