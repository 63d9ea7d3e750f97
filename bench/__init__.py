"""How fast Stemma is, on a generated Hub. `python -m bench --size N`."""
