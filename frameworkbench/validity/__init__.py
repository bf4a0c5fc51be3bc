"""Validity: did a worker do the same work, on the same data, finished, by an honest clock?

Every detector is a pure function from what the parent saw to findings. A finding names the detector and a verdict
code. No detector knows a framework or a particular cheat: each tests one principle (docs/method.md).
"""
