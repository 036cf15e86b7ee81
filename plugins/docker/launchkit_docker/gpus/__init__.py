"""GPUs of this machine, each given to one run at a time."""
