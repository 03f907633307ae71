"""PyTorch's autograd through a module of its own, such as ``nn.RNN``: the kernel people use is among the witnesses."""

from gradproof.oracles.autograd import AutogradOracle

ORACLE = AutogradOracle("torch module", "nn", 5, "autograd_kernel")
