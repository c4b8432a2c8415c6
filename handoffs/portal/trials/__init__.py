"""What builders and admins try before end users do: a tool, an agent."""
