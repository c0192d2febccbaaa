"""Benchmarks of the search: `python -m benchmarks.search samplers`, `latency`, `replay`, `chaos`, `overhead`, `memory`,
`coverage`.

`record` writes the table that `replay` reads.
"""

import sys

from benchmarks.search import chaos, coverage, latency, memory, overhead, record, replay, samplers
from segada.cli.exit_codes import Parser, exit_code

COMMANDS = {
    "samplers": samplers,
    "latency": latency,
    "replay": replay,
    "record": record,
    "chaos": chaos,
    "overhead": overhead,
    "memory": memory,
    "coverage": coverage,
}
"""Benchmarks by name: modules with `add_options(parser)` and `run(arguments)`."""


def main() -> int:
    """Runs the command line and returns the exit code."""
    parser = Parser(prog="python -m benchmarks.search", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        assert module.__doc__ is not None
        summary = module.__doc__.partition("\n")[0]
        module.add_options(commands.add_parser(name, help=summary, description=module.__doc__))
    arguments = parser.parse_args()
    return exit_code(lambda: COMMANDS[arguments.command].run(arguments))


if __name__ == "__main__":
    sys.exit(main())
