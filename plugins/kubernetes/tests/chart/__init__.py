"""The Helm chart of the agent, in the hands of real Helm."""
