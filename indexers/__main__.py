"""The data engineer's door: python -m indexers."""

import sys
from collections.abc import Sequence

from generation.commands.output import written
from indexers.commands import FAILED, WRONG, run_command
from indexers.errors import BROKEN_BY, CatalogError, IndexersError
from indexers.leaving import leave
from indexers.options import parser

BROKEN = 3
"""The store, the state or the server cannot be used."""

INTERRUPTED = 130
"""By Ctrl-C, as a shell counts it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, FAILED, WRONG, BROKEN or INTERRUPTED."""
    args = parser().parse_args(arguments)
    try:
        return run_command(args)
    except CatalogError as exc:
        print(f"catalog: {exc}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        return INTERRUPTED
    except IndexersError as exc:
        print(f"error: {exc}", file=sys.stderr)
        return BROKEN if isinstance(exc, BROKEN_BY) else FAILED


if __name__ == "__main__":
    leave(written(main))
