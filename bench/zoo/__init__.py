"""This package knows how to make a zoo of tiny checkpoints whose derivations are known, and how to score who guesses them."""
