"""What runs inside an adapter's environment: the standard library and NumPy, on Python 3.10 and newer."""
