"""`python -m api.cli` is `stemma`."""

from api.cli.main import main

main()
