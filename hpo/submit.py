"""Sends a study to a cluster: `python -m hpo.submit --address http://HEAD:8265 --space ga_dacs.yaml`."""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from hpo.cli.options import CODES, add_address, add_out, add_space, command_parser, run_parser
from segada.cli.exit_codes import DONE, FAILED, INTERRUPTED, NO_ANSWER, WRONG_INPUT, Parser
from segada.cli.interruption import Interruption, program
from segada.core.printing import escaped, say, tell
from segada.errors import InputError

if TYPE_CHECKING:
    from hpo.submission.job_server import JobServer, SubmittedJob

ADDRESS = "http://127.0.0.1:8265"
"""Where a head node's dashboard is when its port is forwarded to this machine."""


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code: the job's own, or 3 if it was left to itself; 2 for wrong input."""
    arguments = parsed(sys.argv[1:] if words is None else words)
    try:
        with Interruption(lambda: None):
            return int(arguments.command(arguments))
    except InputError as error:
        tell(f"error: {error}")
        return WRONG_INPUT
    except KeyboardInterrupt:
        tell("interrupted")
        return INTERRUPTED


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """The options of a command line; a job's own ones, which `hpo run` takes too, are checked by it."""
    if words and words[0] in COMMANDS:
        return _verbs().parse_args(words)
    arguments, rest = parser().parse_known_args(words)
    arguments.rest = rest
    arguments.study = run_parser().parse_args(["--space", arguments.space, *rest])
    return arguments


def send(arguments: argparse.Namespace) -> int:
    """Checks the study here, sends it and follows its log."""
    # Imported here, so that --help is quick.
    from hpo.config.command_line import study_file
    from hpo.submission.bundle import packed
    from hpo.submission.entrypoint import entrypoint, environment, submission_id

    study = study_file(arguments.study, runs=False).settings.name
    bundle = packed(arguments.space, arguments.include)
    command = entrypoint(bundle.study, study, arguments.out, arguments.rest)
    variables = environment(arguments.env)
    server = _server(arguments)
    name = submission_id(study)
    for line in ("sending", *bundle.lines()):
        say(line)
    if arguments.env:
        say(f"and the variables {', '.join(arguments.env)}, readable by everyone who has the cluster's token")
    with tempfile.TemporaryDirectory() as folder:
        bundle.lay(Path(folder))
        server.submit(name, command, Path(folder), variables)
    say(f"submitted {name}: {command}")
    if not arguments.follow:
        _say_how_to_go_on(server, name, sys.stdout)
        return DONE
    return _followed(server, name)


def status(arguments: argparse.Namespace) -> int:
    """Prints how a job is."""
    job = _server(arguments).job(arguments.job)
    say(_line(job))
    say(f"runs: {job.command}")
    if job.message:
        say(f"Ray says: {job.message}")
    return DONE


def logs(arguments: argparse.Namespace) -> int:
    """Prints what a job has printed, and with --follow what it will print."""
    server = _server(arguments)
    if arguments.follow:
        return _followed(server, arguments.job)
    print(server.log(arguments.job), end="")
    return DONE


def stop(arguments: argparse.Namespace) -> int:
    """Stops a job as Ctrl-C would."""
    from hpo.submission.entrypoint import VISITS_WAIT

    server = _server(arguments)
    if not server.stop(arguments.job):
        say(_line(server.job(arguments.job)))
        return DONE
    say(f"{arguments.job}: finishes the visits that run, for at most {VISITS_WAIT // 60} minutes, and stops")
    say("to go on later, submit the same study again; to see whether it has stopped:")
    say(f"  {_again('status', server, arguments.job)}")
    return DONE


def listed(arguments: argparse.Namespace) -> int:
    """Prints all jobs of the cluster, the last one first."""
    server = _server(arguments)
    lines = [_line(job) for job in server.jobs()]
    for line in lines or [f"no job was submitted to {server.address}"]:
        say(line)
    return DONE


COMMANDS = {"status": status, "logs": logs, "stop": stop, "list": listed}


def _followed(server: "JobServer", name: str) -> int:
    def write(text: str) -> None:
        print(text, end="", flush=True)

    try:
        job = server.follow(name, write)
    except KeyboardInterrupt:
        tell("")
        tell(f"{name} goes on without being followed")
        _say_how_to_go_on(server, name, sys.stderr)
        return INTERRUPTED
    tell(_line(job))
    if job.status == "STOPPED":
        return INTERRUPTED
    known = job.exit_code in (DONE, WRONG_INPUT, INTERRUPTED, NO_ANSWER)
    return int(job.exit_code or DONE) if known and job.is_over else FAILED


def _say_how_to_go_on(server: "JobServer", name: str, stream: TextIO) -> None:
    for verb in ("logs --follow", "status", "stop"):
        print(escaped(f"  {_again(verb, server, name)}"), file=stream)


def _again(verb: str, server: "JobServer", name: str) -> str:
    return f"{program('hpo.submit')} {verb} {name} --address {shlex.quote(server.address)}"


def _line(job: "SubmittedJob") -> str:
    if job.started is None:
        return f"{job.name}: {job.status}"
    minutes = ((job.ended or datetime.now(UTC)) - job.started).total_seconds() / 60
    code = "" if job.exit_code is None else f", exit code {job.exit_code}"
    return f"{job.name}: {job.status}{code}, since {job.started:%Y-%m-%d %H:%M} UTC, {minutes:.1f} minutes"


def _server(arguments: argparse.Namespace) -> "JobServer":
    # Imported here: an error in the study file is reported before Ray is imported, which takes seconds.
    from hpo.submission.job_server import JobServer

    return JobServer(arguments.address)


def parser() -> Parser:
    """Returns the parser of a command line that sends a study."""
    parser = command_parser(
        "hpo.submit",
        "Runs a study as a job of a Ray cluster. Every other option is one of `hpo run`. Jobs that were submitted: "
        f"%(prog)s {'|'.join(COMMANDS)}.",
        "--address http://HEAD:8265 --space ga_dacs.yaml --trials 12",
        allow_abbrev=False,
        codes=f"With the log followed to its end, the exit code is the job's. {CODES}",
    )
    _add_address(parser)
    add_space(parser)
    add_out(parser, "$SEGADA_RUNS/NAME or ~/runs/NAME; on the cluster")
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="file or folder that is sent too, such as weights or changed packages (hpo, segada); repeatable",
    )
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME", help="variable whose value is sent; repeatable"
    )
    parser.add_argument("--no-follow", action="store_false", dest="follow", help="do not wait for the job")
    parser.set_defaults(command=send)
    return parser


def _verbs() -> Parser:
    """Returns the parser of a command line on jobs that were submitted."""
    parser = command_parser("hpo.submit", "Jobs that were submitted to a Ray cluster.", "logs JOB_ID --follow")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        verb = commands.add_parser(name, description=command.__doc__)
        verb.set_defaults(command=command)
        _add_address(verb)
        if name != "list":
            verb.add_argument("job", metavar="JOB_ID", help="as it was printed when the job was submitted")
        if name == "logs":
            verb.add_argument("--follow", action="store_true", help="go on until the job is over, or Ctrl-C")
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
    add_address(parser, "http://HOST:PORT of its head node", ADDRESS, "%(default)s")


if __name__ == "__main__":
    sys.exit(main())
