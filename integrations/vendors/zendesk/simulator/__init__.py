from integrations.vendors.zendesk.simulator.simulator import ZendeskSimulator

__all__ = ["ZendeskSimulator"]
