"""What checkpoints say of themselves: their tensors, exact digests of these, and which model was made from which."""
