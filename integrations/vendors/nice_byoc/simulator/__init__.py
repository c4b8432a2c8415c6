from integrations.vendors.nice_byoc.simulator.simulator import NiceByocSimulator

__all__ = ["NiceByocSimulator"]
