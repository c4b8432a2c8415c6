from integrations.vendors.amazon_connect.simulator.simulator import AmazonConnectSimulator

__all__ = ["AmazonConnectSimulator"]
