"""Experiments over many seeds: what a lesson runs once, recorded for every seed."""
