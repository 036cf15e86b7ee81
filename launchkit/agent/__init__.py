"""The agent: the loop that claims, and the journeys that it sends out."""

from launchkit.agent.agent import Agent

__all__ = ["Agent"]
