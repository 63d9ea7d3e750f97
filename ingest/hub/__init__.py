"""The Hub's API as a source: pages, limits, cursors, sweeps. The only package that imports huggingface_hub."""
