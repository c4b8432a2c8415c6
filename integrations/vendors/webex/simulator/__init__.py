from integrations.vendors.webex.simulator.simulator import WebexSimulator

__all__ = ["WebexSimulator"]
