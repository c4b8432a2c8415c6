from integrations.vendors.salesforce_byoc.simulator.simulator import SalesforceByocSimulator

__all__ = ["SalesforceByocSimulator"]
