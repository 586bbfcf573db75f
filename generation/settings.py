"""Where a process finds the gateway's configuration, and the database of what it spends."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from generation.gateway import Gateway

_FILE = "passages.db"


def add_generation(parser: argparse.ArgumentParser, default: Path | None = None) -> None:
    """Give a command the option `--generation`: a path, or None where nothing names one and there
    is no `default`."""
    named = os.environ.get("PASSAGES_GENERATION")
    otherwise = f", or else {default}" if default else ""
    parser.add_argument(
        "--generation",
        type=Path,
        default=Path(named) if named else default,
        metavar="PATH",
        help=f"the gateway's configuration; default $PASSAGES_GENERATION{otherwise}",
    )


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Give a command the option `--data-dir`, which has the same default wherever there is one."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path("data"),
        metavar="PATH",
        help="where costs and budgets are kept without a $DATABASE_URL; default data",
    )


def database_url(data_dir: Path) -> str:
    """The address of the database of costs and budgets: DATABASE_URL, or else a SQLite file in
    `data_dir`. Who opens that makes the folder too."""
    # In an address, ? and # would end the path.
    return os.environ.get("DATABASE_URL") or f"sqlite:///{quote(str(data_dir / _FILE), safe='/ ')}"


def has_database(data_dir: Path) -> bool:
    """Whether there is a database already, for whom looks and is not to make one."""
    return bool(os.environ.get("DATABASE_URL")) or (data_dir / _FILE).exists()


def open_gateway(path: Path, data_dir: Path) -> "Gateway":
    """The gateway of a configuration file; close it when it is no longer used.

    Raises:
        ConfigurationError: the file is missing or not valid, or a price is. PromptError: a prompt.
        LedgerError: the database cannot be used. RecordsError: nor the folder of records.
    """
    # boto3 comes with it, which --help does without.
    from generation.configuration import load_configuration
    from generation.gateway import Gateway

    return Gateway(load_configuration(path), database_url(data_dir))
