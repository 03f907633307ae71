"""Kernels of the Elman network: its loss and all gradients of a batch, the same function written for speed.

    h[t] = phi(W h[t-1] + U x[t] + b),  y[t] = V h[t] + c,  h[0] = 0

``task`` says what they all compute, and checks what they are given. ``clear`` is the plain way to write it in NumPy,
``fast`` the fast one; ``compiled`` needs numba, ``in_torch`` PyTorch. The first three offer the same function,
``rnn_gradients``; ``in_torch`` a layer to put in the place of ``torch.nn.RNN``.
"""
