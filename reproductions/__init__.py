"""The documents' systems, run again on top of the verified gradients: do they give the numbers that are printed?"""
