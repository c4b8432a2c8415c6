from integrations.vendors.genesys.simulator.simulator import GenesysSimulator

__all__ = ["GenesysSimulator"]
