"""Lucida's built-in CLIP, from data sets to `models/`: see ../README.md."""
