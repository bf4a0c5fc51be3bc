"""Compare deep-learning frameworks on provably identical models.

Importing this package imports no framework, no NumPy and no pandas: workers load it inside
environments where only the standard library and NumPy are promised.
"""

__version__ = "0.1.0"
