"""Gives what reads the texts of others very many odd ones, and looks at what comes of it."""
