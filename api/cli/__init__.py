"""The command line: thin commands that open a store, ask it, and print."""
