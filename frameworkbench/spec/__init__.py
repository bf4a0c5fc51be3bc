"""What is asked for: workloads, the layer vocabulary, optimizers and the run protocol, as frozen data."""
