"""Judging abilities: results held out at random, foretold by ours and by usual rules."""
