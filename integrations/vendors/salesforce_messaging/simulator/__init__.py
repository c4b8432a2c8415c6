from integrations.vendors.salesforce_messaging.simulator.simulator import (
    SalesforceMessagingSimulator,
)

__all__ = ["SalesforceMessagingSimulator"]
