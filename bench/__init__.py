"""Measures: a made country of any size, the servers that show it, and what they do in a second."""
