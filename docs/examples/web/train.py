"""Trains nothing, slowly, and prints what a training prints: what the demo of the web app runs."""

import os
import sys
import time

EPOCHS = int(os.environ.get("EPOCHS", "5"))
SECONDS = float(os.environ.get("EPOCH_SECONDS", "0.2"))
BREAKS_AT = int(os.environ.get("BREAKS_AT", "0"))

print(f"\033[1mtraining on {os.environ.get('INSTANCE', 'this machine')}\033[0m", flush=True)
for epoch in range(1, EPOCHS + 1):
    time.sleep(SECONDS)
    print(f"epoch {epoch:3}/{EPOCHS}  \033[36mloss {1 / epoch:.4f}\033[0m", flush=True)
    if epoch == BREAKS_AT:
        print("\033[31mloss is not a number any more\033[0m", file=sys.stderr, flush=True)
        sys.exit(3)
print("\033[32mdone\033[0m", flush=True)
