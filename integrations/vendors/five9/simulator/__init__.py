from integrations.vendors.five9.simulator.simulator import Five9Simulator

__all__ = ["Five9Simulator"]
