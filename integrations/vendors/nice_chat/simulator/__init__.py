from integrations.vendors.nice_chat.simulator.simulator import NiceChatSimulator

__all__ = ["NiceChatSimulator"]
