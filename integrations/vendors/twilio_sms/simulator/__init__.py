from integrations.vendors.twilio_sms.simulator.simulator import TwilioSimulator

__all__ = ["TwilioSimulator"]
