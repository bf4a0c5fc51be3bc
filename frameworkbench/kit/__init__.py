"""The kit for adapter authors: a folder to start from, the conformance checks, and the matrix of what is declared.

``checking`` runs the checks; each asks a real worker process, through the same link as a run, and is judged by the same
parity functions as the proof.
"""
