"""The command line: arguments -> library -> print. Exit codes are in `tracekit --help`."""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import tracekit
from tracekit.errors import MissingExtraError, NotFoundError, StoreError, TracekitError

if TYPE_CHECKING:
    from tracekit.store.store import Store

EXIT_PROBLEMS = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # not `cli.main`, which has ideas of its own about exit codes
        with cli.make_context("tracekit", given) as context:
            cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as left:
        sys.exit(left.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "tracekit"
        _leave(f"{error.format_message().rstrip('.')}; see '{command} --help'")
    except click.ClickException as error:
        _leave(error.format_message())
    except TracekitError as error:
        _leave(str(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody listens any more
        sys.exit(EXIT_BROKEN_PIPE)


def _leave(message: str) -> None:
    click.echo(f"tracekit: {message}", err=True)
    sys.exit(EXIT_BAD_INPUT)


class _Command(click.Command):
    """A command whose help is shown as it is written, its examples above all."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        for line in inspect.cleandoc(self.help or "").splitlines():
            formatter.write(f"  {line}\n" if line else "\n")


class _Group(_Command, click.Group):
    command_class = _Command


@click.group(
    subcommand_metavar="[COMMAND] [ARGS]...",
    cls=_Group,
    invoke_without_command=True,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(tracekit.__version__, "-V", "--version", message="tracekit %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Trace and evaluate LLM applications.

    What is recorded is kept in a folder, the store: ./.tracekit, unless TRACEKIT_TRACKING_URI or
    --store name another.

    Begin with:
      tracekit demo         an example app, traced, with its report
    and in an app of your own
      import tracekit
      tracekit.autolog()

    Exit codes:
      0    done
      1    the store has problems (tracekit doctor)
      2    bad input, or a store that can't be used: one sentence on standard error
      130  interrupted
      141  the reader of a pipe has gone
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _use_store(_context: click.Context, _option: click.Parameter, uri: str | None) -> None:
    if uri is not None:
        tracekit.set_tracking_uri(uri)


_store_option = click.option(
    "--store",
    "--tracking-uri",
    metavar="PATH",
    callback=_use_store,
    expose_value=False,
    is_eager=True,
    help="The store's folder. [default: TRACEKIT_TRACKING_URI, else ./.tracekit]",
)
_json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a line, for programs."
)
_filter_option = click.option(
    "-f", "--filter", "filter_string", metavar="FILTER", help="Only those that a filter admits."
)
_experiment_option = click.option(
    "-e", "--experiment", "experiments", multiple=True, metavar="NAME", help="Only of these."
)
_order_option = click.option(
    "--order-by", multiple=True, metavar="FIELD [DESC]", help="[default: newest first]"
)
_limit_option = click.option(
    "-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most."
)


def _listing(function: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that lists."""
    options = (
        _filter_option,
        _experiment_option,
        _order_option,
        _limit_option,
        _json_option,
        _store_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def _store() -> "Store":
    """The store in use, which must be there."""
    from tracekit.store.location import check_folder
    from tracekit.store.store import open_store

    store = open_store()
    check_folder(store.folder)
    if not store.exists:
        raise StoreError(
            f"nothing has been recorded in {store.folder}: "
            "run 'tracekit demo', or name another store with --store"
        )
    return store


@cli.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("tracekit-demo.html"),
    show_default=True,
    help="The report to write.",
)
@click.option("--open", "open_it", is_flag=True, help="Open the report in a browser.")
@_store_option
def demo(out: Path, open_it: bool) -> None:
    """Run an example LLM app, traced, and write its report.

    A support desk on the OpenAI client (an agent with tools, streaming, structured output, the
    Responses API) and a LangChain chain with retrieval and a tool; a call that fails, one that is
    slow, and runs that compare three ways of answering. It talks to a small server on this
    machine, so it needs no key and no network; with OPENAI_API_KEY set it talks to that provider
    (OPENAI_BASE_URL and OPENAI_MODEL say where and what).

    Examples:
      tracekit demo
      tracekit demo --open
      tracekit demo --store /tmp/try -o /tmp/try.html
    """
    from tracekit.terminal import output

    with output.progress() as on_step:
        on_step("OpenAI client and LangChain loaded", 0, 1)
        outcome = _demo_app().run(out.absolute(), on_step)
    output.write(
        output.facts(
            {
                "Report": str(outcome.report),
                "Store": outcome.store,
                "Model": f"{outcome.model} at {outcome.where}",
            }
        ),
        "\nNext: open the report in a browser, or look around in the terminal\n"
        "  tracekit traces\n"
        "  tracekit traces --filter \"status = 'ERROR'\"\n"
        "  tracekit runs\n"
        '  tracekit sql "SELECT name, count(*), avg(duration_ms) FROM spans GROUP BY name"\n',
    )
    if open_it:
        click.launch(str(outcome.report))


def _demo_app() -> Any:
    try:
        from tracekit.demo import app
    except ImportError as error:
        if (error.name or "").startswith("tracekit"):
            raise
        raise MissingExtraError("the demo", "demo") from error
    return app


@cli.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("tracekit-report.html"),
    show_default=True,
    help="The file to write.",
)
@_filter_option
@_experiment_option
@click.option("--run", "run_id", metavar="ID", help="Only traces of this run.")
@click.option("--open", "open_it", is_flag=True, help="Open it in a browser.")
@_store_option
def report(
    out: Path,
    filter_string: str | None,
    experiments: tuple[str, ...],
    run_id: str | None,
    open_it: bool,
) -> None:
    """Write what is recorded into one HTML file.

    It works offline and can be sent or kept.

    Examples:
      tracekit report
      tracekit report -o failures.html --filter "status = 'ERROR'"
      tracekit report --experiment tuning --open
    """
    path = tracekit.report(
        out,
        filter_string=filter_string,
        experiment_names=list(experiments) or None,
        run_id=run_id,
        open_browser=open_it,
    )
    click.echo(path)


@cli.command()
@click.option("--run", "run_id", metavar="ID", help="Only of this run.")
@_listing
def traces(
    filter_string: str | None,
    experiments: tuple[str, ...],
    run_id: str | None,
    order_by: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    """List traces, the newest first.

    Examples:
      tracekit traces
      tracekit traces --filter "status = 'ERROR' AND duration_ms > 2000"
      tracekit traces --filter "tags.channel = 'chat' OR session_id LIKE 'mail-%'"
      tracekit traces --order-by "cost_usd DESC" --limit 5
      tracekit traces --json | jq .trace_id
    """
    from tracekit.store.queries import count_traces, newest_trace_ids, read_trace_summaries
    from tracekit.terminal import output, tables

    with _store().reading() as connection:
        if filter_string or experiments or run_id or order_by:
            from tracekit.store.search import find_trace_ids

            ids = find_trace_ids(
                connection,
                filter_string,
                experiment_names=list(experiments) or None,
                run_id=run_id,
                order_by=list(order_by) or None,
            )
            total = len(ids)
        else:  # much faster in a large store
            ids, total = newest_trace_ids(connection, limit), count_traces(connection)
        found = read_trace_summaries(connection, ids[:limit])
    if as_json:
        output.write_lines(map(asdict, found))
    else:
        tables.trace_table(found).write()
    _say_where_it_stops("traces", len(found), total)


@cli.command()
@_listing
def runs(
    filter_string: str | None,
    experiments: tuple[str, ...],
    order_by: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    """List runs with params and metrics, the newest first.

    Examples:
      tracekit runs
      tracekit runs --filter "metrics.accuracy > 0.9 AND params.model = 'gpt-5'"
      tracekit runs --order-by "metrics.accuracy DESC" --limit 3
    """
    from tracekit.store.queries import read_runs
    from tracekit.store.search import find_run_ids
    from tracekit.terminal import output, tables

    with _store().reading() as connection:
        ids = find_run_ids(
            connection,
            filter_string,
            experiment_names=list(experiments) or None,
            order_by=list(order_by) or None,
        )
        found = read_runs(connection, ids[:limit])
    if as_json:
        output.write_lines(run.to_dict() for run in found)
    else:
        tables.run_table(found).write()
    _say_where_it_stops("runs", len(found), len(ids))


def _say_where_it_stops(what: str, shown: int, total: int) -> None:
    if not total:
        click.echo(f"no {what} match", err=True)
    elif shown < total:
        more = f"showing {shown:,} of {total:,} {what}; --limit shows more"
        click.echo(f"The list stops here: {more}.", err=True)


@cli.command()
@click.argument("trace_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The whole trace as one JSON object.")
@_store_option
def trace(trace_id: str, as_json: bool) -> None:
    """Show one trace: spans, conversation, feedback.

    ID is a trace's id or the first digits of it.

    Examples:
      tracekit trace 5f2c81d0
      tracekit trace 5f2c81d0 --json | jq '.spans[].name'
    """
    from tracekit.store.queries import read_trace
    from tracekit.terminal import output, trace_view

    store = _store()
    with store.reading() as connection:
        found = read_trace(connection, trace_id)
    if found is None:
        raise NotFoundError(
            f"no trace in {store.folder} has an id that begins with {trace_id!r}: "
            "'tracekit traces' lists them"
        )
    if as_json:
        output.write_json(found.to_dict())
    else:
        output.write(*trace_view.trace_view(found))


@cli.command()
@click.argument("query", required=False)
@click.option(
    "--file",
    "file",
    type=click.File(encoding="utf-8"),
    help="Read the query from a file.",
)
@_json_option
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values, with a header.")
@_store_option
def sql(query: str | None, file: Any, as_json: bool, as_csv: bool) -> None:
    """Query the store by SQL, DuckDB's; nothing can be changed.

    QUERY may be '-' for standard input. The views: traces, spans, span_events, span_links, runs,
    params, metrics, metrics_last, tags, assessments, artifacts, experiments, processes.

    Examples:
      tracekit sql "SELECT name, duration_ms FROM traces ORDER BY 2 DESC LIMIT 10"
      tracekit sql "SELECT response_model, sum(cost_usd) FROM spans GROUP BY 1" --csv
      tracekit sql "DESCRIBE spans"
      tracekit sql --file weekly.sql --json
    """
    from tracekit.store.query import query_rows
    from tracekit.terminal import output, tables

    if (query is None) == (file is None):
        raise click.UsageError("give a QUERY, '-' or --file")
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    if file is not None:
        query = file.read()
    elif query == "-":
        query = sys.stdin.read()
    with _store().reading() as connection:
        names, rows = query_rows(connection, query or "")
    if as_json:
        output.write_lines(dict(zip(names, row, strict=True)) for row in rows)
    elif as_csv:
        output.write_csv(names, rows)
    else:
        tables.sql_table(names, rows).write()


@cli.command()
@click.option(
    "--repair",
    is_flag=True,
    help="Mend what can be mended; what can't is kept aside.",
)
@_json_option
@_store_option
def doctor(repair: bool, as_json: bool) -> None:
    """Examine the store: what it holds, how big it is, what is wrong.

    Everything in it is read. With --repair, a damaged database is set aside, and a new one is
    made of what can still be read of it and of what is left in the spool; it says what could be
    saved and what could not. Nothing is ever deleted.

    The exit code is 0 if all is well, 1 if there are problems.

    Examples:
      tracekit doctor
      tracekit doctor --store /data/traces
      tracekit doctor --repair
    """
    from tracekit.store.doctor import diagnose
    from tracekit.store.repair import repair as repair_store
    from tracekit.terminal import diagnosis, output

    store = _store()
    if repair:
        for sentence in repair_store(store):
            click.echo(sentence, err=as_json)
    found = diagnose(store)
    if as_json:
        output.write_json(asdict(found))
    else:
        output.write(*diagnosis.diagnosis_view(found))
    if found.problems:
        sys.exit(EXIT_PROBLEMS)


@cli.command()
@click.option(
    "--older-than",
    metavar="AGE",
    required=True,
    help="Such as 12h, 30d or 8w; or a date, 2026-01-31.",
)
@click.option(
    "--keep",
    multiple=True,
    metavar="WHAT",
    help="Also keep these traces: 'errors', 'tagged', or a filter.",
)
@click.option("--runs", is_flag=True, help="Also remove runs that ended before.")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--all", "everything", is_flag=True, help="Even if nothing would be left.")
@_json_option
@_store_option
def prune(
    older_than: str,
    keep: tuple[str, ...],
    runs: bool,
    dry_run: bool,
    yes: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """Remove what is old, and give its space back to the disk.

    Traces go whole, with their feedback, tags and artifacts. Kept, however old: traces of runs
    and of datasets, traces that people assessed (unless --keep none), what is still running, and
    whatever has the tag tracekit.keep. Runs go only with --runs, or if they were deleted before
    that time. docs/maintenance.md has the details.

    Examples:
      tracekit prune --older-than 30d --dry-run
      tracekit prune --older-than 30d --keep errors --keep "tags.channel = 'sales'"
      tracekit prune --older-than 26w --runs --yes
    """
    from tracekit.store.prune import cutoff_of, prune
    from tracekit.terminal import diagnosis, output

    store = _store()
    before = cutoff_of(older_than)
    ask = not (dry_run or yes)
    if ask and not (sys.stdin.isatty() and output.is_terminal()):
        raise click.UsageError("without a terminal give --yes, or --dry-run to see what would go")
    found = prune(before, keep=keep, runs=runs, dry_run=dry_run or ask, everything=everything)
    if ask:
        if not found.is_nothing:
            output.write(*diagnosis.pruned_view(found))
            click.confirm(f"\nRemove this from {store.folder} for good?", abort=True)
        found = prune(before, keep=keep, runs=runs, everything=True)
    if as_json:
        output.write_json(asdict(found))
    else:
        output.write(*diagnosis.pruned_view(found))


@cli.command()
@_json_option
def version(as_json: bool) -> None:
    """Say the versions of tracekit and what it stands on."""
    from tracekit.terminal import output
    from tracekit.terminal.versions import versions

    found = versions()
    if as_json:
        output.write_json(found)
    else:
        output.write(output.facts(found))
