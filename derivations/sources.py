"""The documents whose claims are derived and whose systems are run, by the letter of their catalogue numbers."""

A = "NLP Lab I: Logistic Regression & RNN (BITS, 2023)"
B = "Visual Recognition Part 2, Assignment 1 report (2022)"
C = "Lab 9: backpropagation in a simple RNN (Gündüz)"
D = "PyTorch lab manual: computation graphs; linear and logistic regression"
E = "RNN for sentiment classification of temporal sequences"
