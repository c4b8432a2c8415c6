from integrations.vendors.salesforce_live_chat.simulator.simulator import (
    SalesforceLiveChatSimulator,
)

__all__ = ["SalesforceLiveChatSimulator"]
