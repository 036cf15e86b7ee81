"""The program `helm`, as far as the pages type it: Helm's own library does the work."""

import argparse
import os
from pathlib import Path
from typing import Any

import helm_python


def told() -> argparse.Namespace:
    """What was typed."""
    parser = argparse.ArgumentParser(prog="helm")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("install", "upgrade", "uninstall"):
        command = commands.add_parser(name)
        command.add_argument("release")
        command.add_argument("--namespace", required=True)
        if name != "uninstall":
            command.add_argument("chart")
            command.add_argument("--create-namespace", action="store_true")
            command.add_argument("--values", action="append", default=[], type=Path)
            command.add_argument("--set-file", action="append", default=[])
            command.add_argument("--wait", action="store_const", const="legacy")
    return parser.parse_args()


def laid_over(values: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Values as Helm merges them."""
    for key, value in other.items():
        both = isinstance(value, dict) and isinstance(values.get(key), dict)
        values[key] = laid_over(values[key], value) if both else value
    return values


def main() -> None:
    helm_python.disable_logging()
    typed = told()
    with helm_python.Config(
        kubeconfig_path=os.environ["KUBECONFIG"], namespace=typed.namespace
    ) as config:
        if typed.command == "uninstall":
            config.uninstall(typed.release)
        else:
            values: dict[str, Any] = {}
            for path in typed.values:
                laid_over(values, helm_python.values_from_yaml(path.read_text()))
            for one in typed.set_file:
                laid_over(values, helm_python.parse_set_file(one))
            act = config.install if typed.command == "install" else config.upgrade
            act(typed.chart, typed.release, values, namespace=typed.namespace, wait=typed.wait)
    print(f"release {typed.release}: {typed.command} done")


if __name__ == "__main__":
    main()
