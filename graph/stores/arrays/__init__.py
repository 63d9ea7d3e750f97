"""What engines keep on disk: arrays, texts and tables in a folder, mapped and shared by processes."""
