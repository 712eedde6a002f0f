"""The wake word's computation in C: a small library, the models' weights as it reads them, and the calls.

Optional: where it cannot be compiled, or a model is of another kind, onnxruntime computes the same.
"""
