"""Kernels of the Elman network: its loss and all gradients of a batch, the same function written for speed.

    h[t] = phi(W h[t-1] + U x[t] + b),  y[t] = V h[t] + c,  h[0] = 0

    task.py      what they all compute, and the checks of what they are given
    clear.py     the plain way to write it in NumPy
    fast.py      the fast one; its plans are augmented.py for small batches, chunked.py for large and ragged ones, with
                 levels.py, outputs.py and pointwise.py as their parts
    compiled.py  the loops of compiled_loops.py and compiled_vectors.py, compiled by numba
    in_torch.py  a layer to put in the place of torch.nn.RNN; in_torch_steps.py has its passes over the steps

The first three offer the same function, ``rnn_gradients``. numba and PyTorch are imported where they are used.
"""
