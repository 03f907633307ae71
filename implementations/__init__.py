"""What computes the gradients: NumPy forward passes, hand-written backward passes, and the same in PyTorch."""
