"""Fit a line to noisy points by gradient descent, and report the loss of each epoch.

Only the standard library is needed. Settings come from the run's config, which launchkit gives to
every run in `WANDB_CONFIG` (and in `LAUNCHKIT_RUN_CONFIG`), or from flags, which win.
"""

import argparse
import json
import os
import random
import sys
from pathlib import Path

DEFAULTS = {"learning_rate": 0.1, "epochs": 8, "points": 200, "seed": 7}


def settings() -> argparse.Namespace:
    """Defaults, then the run's config, then flags."""
    config = {**DEFAULTS, **json.loads(os.environ.get("WANDB_CONFIG", "{}"))}
    parser = argparse.ArgumentParser(description="Fit a line to noisy points.")
    parser.add_argument("--learning-rate", type=float, default=config["learning_rate"])
    parser.add_argument("--epochs", type=int, default=config["epochs"])
    parser.add_argument("--points", type=int, default=config["points"])
    parser.add_argument("--seed", type=int, default=config["seed"])
    parser.add_argument("--result", type=Path, default=os.environ.get("RESULT", "result.json"))
    return parser.parse_args()


def measurements(count: int, seed: int) -> list[tuple[float, float]]:
    """Points near the line y = 3x - 1."""
    source = random.Random(seed)
    xs = [source.uniform(-1, 1) for _ in range(count)]
    return [(x, 3 * x - 1 + source.gauss(0, 0.1)) for x in xs]


def gradient(points: list[tuple[float, float]], a: float, b: float) -> tuple[float, float, float]:
    """The mean squared error of y = ax + b, and its slope in both parameters."""
    errors = [(x, a * x + b - y) for x, y in points]
    count = len(points)
    loss = sum(e * e for _, e in errors) / count
    return loss, sum(2 * e * x for x, e in errors) / count, sum(2 * e for _, e in errors) / count


def main() -> int:
    """Train; fail if the loss has not come down."""
    given = settings()
    points = measurements(given.points, given.seed)
    a = b = 0.0
    first, slope_a, slope_b = gradient(points, a, b)
    loss = first
    for epoch in range(1, given.epochs + 1):
        a -= given.learning_rate * slope_a
        b -= given.learning_rate * slope_b
        loss, slope_a, slope_b = gradient(points, a, b)
        print(f"epoch {epoch}  loss {loss:.4f}", flush=True)
    given.result.write_text(json.dumps({"slope": a, "intercept": b, "loss": loss}) + "\n")
    print(f"y = {a:.2f}x {b:+.2f}, written to {given.result}")
    return 0 if loss < first else 1


if __name__ == "__main__":
    sys.exit(main())
