"""The choices of a launch: templates, overrides, macros, policy, environment. Pure."""
