from integrations.vendors.custom.simulator.simulator import CustomSimulator

__all__ = ["CustomSimulator"]
