"""What the four APIs share: the store, the clock, faults, requests, and the control plane."""
