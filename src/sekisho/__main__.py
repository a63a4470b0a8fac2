"""The `sekisho` command."""

import typer

from sekisho import __version__
from sekisho.cli.advise import run_advise
from sekisho.cli.calibrate_router import calibrate_router
from sekisho.cli.catalogue import catalog
from sekisho.cli.chaos import chaos
from sekisho.cli.check import check
from sekisho.cli.credits import paid_ahead
from sekisho.cli.demo import demo
from sekisho.cli.eval_router import eval_router
from sekisho.cli.explain import explain
from sekisho.cli.export import export
from sekisho.cli.holders import commands_for
from sekisho.cli.keys import keys
from sekisho.cli.models import models
from sekisho.cli.prove import prove
from sekisho.cli.prove_gateway import COMMAND, prove_gateway
from sekisho.cli.providers import providers
from sekisho.cli.rates import rates
from sekisho.cli.reconcile import reconcile_file
from sekisho.cli.replay import run_replay
from sekisho.cli.report import report
from sekisho.cli.rollups import rollups
from sekisho.cli.serve import serve
from sekisho.cli.status import status
from sekisho.cli.tariffs import tariffs

app = typer.Typer(
    name="sekisho", help="A self-hosted LLM gateway.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.command()(serve)
app.command()(check)
app.command()(demo)
app.command()(explain)
app.command()(chaos)
app.command()(prove)
app.command(COMMAND, hidden=True)(prove_gateway)
app.command("reconcile")(reconcile_file)
app.command()(calibrate_router)
app.command()(eval_router)
app.command("replay")(run_replay)
app.command("advise")(run_advise)
app.add_typer(keys, name="keys")
app.add_typer(commands_for("organisation", "organisations"), name="orgs")
app.add_typer(commands_for("team", "teams"), name="teams")
app.add_typer(commands_for("project", "projects"), name="projects")
app.add_typer(commands_for("person", "people"), name="people")
app.add_typer(commands_for("account", "service accounts"), name="accounts")
app.add_typer(models, name="models")
app.add_typer(providers, name="providers")
app.add_typer(catalog, name="catalog")
app.add_typer(status, name="status")
app.add_typer(report, name="report")
app.add_typer(rollups, name="rollups")
app.add_typer(export, name="export")
app.add_typer(tariffs, name="tariffs")
app.add_typer(rates, name="rates")
app.add_typer(paid_ahead, name="credits")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
