"""Agents, databases, disks, clocks and networks that fail at random, while launches go on."""
