"""Trains lucida-unclip-1, the built-in generator: a prior, a diffusion decoder and a codec of 96 px pictures."""
