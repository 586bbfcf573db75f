"""What can be typed behind python -m indexers."""

import argparse
from typing import TYPE_CHECKING

from indexers.settings import add_places


def parser() -> argparse.ArgumentParser:
    """The command line's parser; `name` is the command that was chosen."""
    top = argparse.ArgumentParser(
        prog="python -m indexers", description="Bring indexes up to their sources, and see them."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND", dest="name")
    _add_reindex(commands)
    _add_jobs(commands)
    rollback = _command(
        commands,
        "rollback",
        "go back to the build that was live before this one, in one step",
        "python -m indexers rollback articles",
    )
    rollback.add_argument("index", metavar="INDEX")
    _command(
        commands,
        "status",
        "show each index: build, documents, chunks, when, from what",
        "python -m indexers status --json",
        server=False,
    )
    _command(
        commands,
        "worker",
        "work on jobs until a signal stops it; any number of them share a DATABASE_URL",
        "DATABASE_URL=postgresql://... QDRANT_URL=http://... python -m indexers worker",
        server=False,
    )
    return top


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _add_reindex(commands: "_Commands") -> None:
    reindex = _command(
        commands,
        "reindex",
        "index what is new, changed or deleted in the sources",
        "python -m indexers reindex articles --dry-run",
    )
    reindex.add_argument("indexes", nargs="*", metavar="INDEX", help="all without one")
    reindex.add_argument("--full", action="store_true", help="build anew beside the live index")
    reindex.add_argument("--dry-run", action="store_true", help="count what would change")
    reindex.add_argument(
        "--allow-shrink",
        action="store_true",
        help="let an index lose more documents than its gate allows",
    )
    reindex.add_argument(
        "--no-wait", action="store_true", help="leave the jobs to the server or the workers"
    )
    diff = _command(
        commands,
        "diff",
        "list every document that a re-index would write or delete",
        "python -m indexers diff articles",
    )
    diff.add_argument("indexes", nargs="*", metavar="INDEX", help="all without one")
    diff.add_argument("--full", action="store_true", help="against a build from nothing")


def _add_jobs(commands: "_Commands") -> None:
    jobs = _command(
        commands,
        "jobs",
        "list the latest jobs, newest first",
        "python -m indexers jobs articles --limit 5",
    )
    jobs.add_argument("index", nargs="?", metavar="INDEX", help="all without one")
    jobs.add_argument("--limit", type=int, default=20, metavar="N", help="default 20")
    job = _command(
        commands,
        "job",
        "show one job: where it is, what it did, what failed",
        "python -m indexers job 20261125-024932-814b959 --follow",
    )
    job.add_argument("job", metavar="JOB")
    job.add_argument("--follow", action="store_true", help="with a progress bar, to its end")
    job.add_argument("--failures", action="store_true", help="list all that failed, nothing else")
    cancel = _command(
        commands,
        "cancel",
        "stop a job; it ends within moments, and what it stored serves the next one",
        "python -m indexers cancel 20261125-024932-814b959",
    )
    cancel.add_argument("job", metavar="JOB")
    retry = _command(
        commands,
        "retry",
        "take up what a job has failed at, and nothing else",
        "python -m indexers retry 20261125-024932-814b959",
    )
    retry.add_argument("job", metavar="JOB")


def _command(
    commands: "_Commands", name: str, summary: str, example: str, *, server: bool = True
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        name, help=summary, description=summary, epilog=f"example: {example}"
    )
    add_places(made)
    if server:
        where = "the API's address; without one the API that runs over the data folder, if any"
        made.add_argument("--server", metavar="URL", help=where)
    made.add_argument("--json", action="store_true", help="print JSON for a program")
    return made
