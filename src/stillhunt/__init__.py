"""Stillhunt finds networks of accounts that are one operator harvesting a language model's outputs."""

__version__ = "0.1.0"
