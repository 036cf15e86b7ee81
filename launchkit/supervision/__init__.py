"""Processes that watch runs of this machine and outlive the agent. Nothing here needs more than the
standard library, and little of that, for each run has such a process.
"""
