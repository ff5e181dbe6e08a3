"""The command line. `contactcenter up --demo` is the way in."""

import asyncio
import atexit
import importlib
import os
import sys
import threading
import time
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from contactcenter.settings import Settings
from contactcenter.stores import StoreMissing

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="The contact centre: citizens text, write and talk live; agents answer in one console.\n\nSettings come from the environment, "
    "named CONTACTCENTER_… (see docs/run-it-for-real.md).",
)  # fmt: skip
out = Console()
err = Console(stderr=True)


@app.command()
def up(
    demo: Annotated[bool, typer.Option(help="Add a demo agency and a pretend outside world to write from.")] = False,
) -> None:
    """Run the whole desk on this machine, with its own PostgreSQL and Redis unless URLs are set. Ctrl-C stops it."""
    from contactcenter.up import CannotStart, Desk, only_one

    settings = Settings()
    if demo and settings.https:
        raise typer.Exit(_refuse("The demo has known sign-ins: it does not start on a public https address."))
    try:
        with only_one(settings.data_dir):
            desk = Desk(settings, demo=demo)
            try:
                began = time.monotonic()
                _step("Starting the stores", desk.start_stores)
                _step("Preparing the database", desk.prepare)
                _step("Starting the desk", desk.start_processes, desk.wait_until_ready)
                _welcome(settings, demo, time.monotonic() - began)
                desk.watch()
                out.print("\nStopping …")
            except KeyboardInterrupt:
                out.print("\nStopping …")
            finally:
                desk.stop()
    except (CannotStart, StoreMissing) as error:
        raise typer.Exit(_refuse(str(error))) from None
    out.print("Stopped. The data stays; start again to go on.")


def _step(what: str, *todo: Any) -> None:
    with out.status(f"{what} …"):
        for one in todo:
            one()
    out.print(f"[green]✓[/] {what}")


def _refuse(message: str) -> int:
    err.print(f"[red]{message}[/]")
    return 1


def _welcome(settings: Settings, demo: bool, seconds: float) -> None:
    out.print(f"\nThe desk is open after {seconds:.1f} s: [bold]{settings.base_url}[/]\n")
    if not settings.https:
        out.print(
            "[dim]Plain http: cookies are not marked Secure. Use https and CONTACTCENTER_PUBLIC_URL for real.[/]\n"
        )
    if not demo:
        return
    from contactcenter.demo import world

    config = world.sandbox_config(settings)
    doors = Table("Open", "What it is", box=None, pad_edge=False)
    doors.add_row(f"{settings.base_url}/agent", "the agents' console")
    doors.add_row(f"{settings.base_url}/supervisor", "the supervisors' board")
    doors.add_row(f"{config.url}/phone", f"a phone: text the city at {next(iter(config.numbers))}")
    doors.add_row(f"{config.url}/mailbox", f"a mailbox: write to {config.agency_addresses[0]}")
    doors.add_row(config.visitor_page_url, "the page on which citizens talk to the city")
    out.print(doors)
    people = Table("Sign in as", "Password", "Role", box=None, pad_edge=False)
    roles = {one["username"]: one["role"] for one in world.description()["staff"]}
    for username, password in world.passwords(settings).items():
        people.add_row(username, password, roles[username])
    out.print()
    out.print(people)
    out.print("\nLet citizens write by themselves: [bold]contactcenter simulate --per-minute 30 --minutes 2[/]")
    out.print("Stop with Ctrl-C.")


@app.command()
def web() -> None:
    """HTTP, webhooks, sockets and pages. Any number may run behind a load balancer."""
    from contactcenter import processes

    _run(processes.run_web, "uvicorn", "contactcenter.app")


@app.command()
def router() -> None:
    """Gives tickets to agents and numbers the event log. Run two: one leads, one stands by."""
    from contactcenter import processes

    _run(processes.run_router, "contactcenter.jobs.router", "contactcenter.jobs.sequencer")


@app.command()
def worker() -> None:
    """Sends what agents write. Any number may run."""
    from contactcenter import processes

    _run(processes.run_worker, "contactcenter.jobs.worker")


@app.command()
def intake() -> None:
    """Listens for mail and reads it in children that may be killed."""
    from contactcenter import processes

    _run(processes.run_intake, "contactcenter.jobs.intake")


@app.command("replay-routing")
def replay_routing(
    last: Annotated[str, typer.Option(help="How far back: 30m, 6h or 1d (the journal keeps a day).")] = "1h",
) -> None:
    """Repeat the router's decisions from its journal and compare: the same facts must give the same decisions."""
    from rich.progress import MofNCompleteColumn, Progress, TextColumn

    from contactcenter.db import Database
    from contactcenter.replaying import replay

    seconds = {"m": 60, "h": 3600, "d": 86_400}
    if not (last[:-1].isdigit() and last[-1:] in seconds):
        raise typer.Exit(_refuse(f"--last {last} is no span: write 30m, 6h or 1d."))
    since = datetime.now(UTC) - timedelta(seconds=int(last[:-1]) * seconds[last[-1]])

    async def run(each: Any) -> list[Any]:
        database = Database(_database_url(), pool=1)
        try:
            return await replay(database, since, each)
        finally:
            await database.close()

    with Progress(TextColumn("Repeating"), MofNCompleteColumn(), console=err, transient=True) as progress:
        task = progress.add_task("facts", total=None)
        done = asyncio.run(run(lambda: progress.advance(task)))
    table = Table("Agency", "Facts", "Decisions and other effects", "States", "Result")
    for one in done:
        table.add_row(one.agency, str(one.facts), str(one.effects), str(one.states), one.difference or "the same")
    out.print(table)
    if foreign := sum(one.foreign for one in done):
        out.print(f"{foreign} entries were passed over: another version of the router made them.")
    if any(one.difference for one in done):
        raise typer.Exit(_refuse("The first difference is shown above: the decisions cannot be repeated."))


@app.command(hidden=True)
def sandbox() -> None:
    """The demo's outside world; started by `up --demo`."""
    from contactcenter.demo import world
    from contactcenter.sandbox.server import serve

    settings = Settings()
    _follow_parent()
    asyncio.run(serve(world.sandbox_config(settings)))


def _run(process: Any, *needs: str) -> None:
    """`needs`: modules that the process will import; loaded while it waits for the word to start."""
    _follow_parent()
    if os.environ.pop("CONTACTCENTER_AT_THE_DOOR", None):
        for module in needs:
            importlib.import_module(module)
        if not sys.stdin.readline():
            return  # whoever started us is gone
    process(Settings())


def _follow_parent() -> None:
    """A process of `up` ends when `up` does, however that happens."""
    wanted = os.environ.get("CONTACTCENTER_PARENT")
    if wanted is None:
        return

    def follow() -> None:
        while os.getppid() == int(wanted):
            time.sleep(1)
        os.kill(os.getpid(), 15)

    threading.Thread(target=follow, daemon=True, name="parent").start()


@app.command()
def migrate() -> None:
    """Bring the database to the shape of this version."""
    from contactcenter.migrate import migrate as run

    asyncio.run(run(_database_url()))
    out.print("The database is current.")


@app.command(hidden=True)
def prepare(demo: bool = False) -> None:
    """Migrate, and load the demo where it is not there yet."""
    from contactcenter.migrate import migrate as run

    asyncio.run(run(_database_url()))
    if demo:
        from contactcenter.demo import world

        asyncio.run(_load(world.description(), world.passwords(Settings()), first_only=True))


@app.command()
def load(
    file: Annotated[
        Path, typer.Argument(help="Description of an agency, in the format of contactcenter/demo/riverton.toml.")
    ],
) -> None:
    """Load or update an agency: queues, hours, skills, inboxes, staff. Asks for the passwords of new people."""
    from contactcenter.desk.loading import BadDescription

    try:
        described = tomllib.loads(file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise typer.Exit(_refuse(f"{file} cannot be read: {error}")) from None
    asked = {
        one["username"]: typer.prompt(f"Password for {one['username']} (15 characters or more)", hide_input=True)
        for one in described.get("staff", [])
        if not _known(one["username"])
    }
    if short := [name for name, password in asked.items() if len(password) < 15]:
        raise typer.Exit(_refuse(f"Too short: the password of {', '.join(short)}. Nothing was changed."))
    try:
        asyncio.run(_load(described, asked))
    except (BadDescription, KeyError) as error:
        raise typer.Exit(_refuse(f"Nothing was changed: {error}")) from None
    out.print(f"Loaded {described['agency']['name']}.")


def _known(username: str) -> bool:
    async def ask() -> bool:
        from contactcenter.db import Database
        from contactcenter.desk.sessions import find_by_username

        database = Database(_database_url(), pool=1)
        async with database.transaction() as tx:
            found = await find_by_username(tx, username)
        await database.close()
        return found is not None

    return asyncio.run(ask())


async def _load(described: dict[str, Any], passwords: dict[str, str], *, first_only: bool = False) -> None:
    from sqlalchemy import text

    from contactcenter import wiring
    from contactcenter.desk import loading

    house = wiring.build("load")
    try:
        async with house.database.transaction() as tx:
            there = await tx.scalar(
                text("SELECT true FROM agency WHERE slug = :slug"), {"slug": described["agency"]["slug"]}
            )
            if not (there and first_only):
                await loading.load(tx, described, passwords)
        async with house.database.transaction() as tx:
            await loading.write_to_us(tx, house.kit, described)
    finally:
        await house.close()


@app.command()
def simulate(
    per_minute: Annotated[int, typer.Option(min=1, max=600, help="Citizens who write, a minute.")] = 30,
    minutes: Annotated[float, typer.Option(min=0.1, max=60, help="For how long.")] = 2.0,
    seed: Annotated[int | None, typer.Option(help="The same seed plays the same citizens.")] = None,
) -> None:
    """Let made-up citizens write to a running demo on all its doors, and report what became of it. Nothing may be lost."""
    from contactcenter.demo import world
    from contactcenter.sandbox import citizens

    settings = Settings()
    config = world.sandbox_config(settings)
    doors = citizens.Doors(
        config.url, settings.base_url, tuple(config.numbers), config.agency_addresses,
        config.visitor_page_url.rpartition("/")[2],
    )  # fmt: skip
    try:
        report = asyncio.run(citizens.simulate(per_minute, minutes, doors, seed, console=out))
    except ValueError as error:
        raise typer.Exit(_refuse(str(error))) from None
    out.print(report.table())
    out.print(f"{report.sent} sent in {report.seconds:.0f} s, lost {report.lost}")
    raise typer.Exit(1 if report.lost else 0)


@app.command("simulate-routing")
def simulate_routing(
    scenario: Annotated[str, typer.Argument(help='Which, such as "s5", "s1 c7" or "all".')],
    seeds: Annotated[int, typer.Option(min=2, max=1000, help="Independent runs.")] = 10,
    length: Annotated[int | None, typer.Option(min=100, help="Contacts a run; left out, the full length.")] = None,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Runs at the same time.")] = 1,
    svg: Annotated[Path | None, typer.Option(help="Also draw the waits into this file.")] = None,
) -> None:
    """Play worlds with known answers through the router in virtual time. Needs neither database nor desk."""
    from contactcenter.simulate_routing import simulate as run

    try:
        missed = run(scenario, seeds, length, processes, svg, out)
    except LookupError as error:
        raise typer.Exit(_refuse(str(error))) from None
    raise typer.Exit(1 if missed else 0)


@app.command("what-if")
def what_if(
    day: Annotated[str, typer.Argument(help="The day to play again, such as 2026-11-23, in the agency's time.")],
    agency: Annotated[str, typer.Option(help="The agency's slug; left out, the first.")] = "",
    add: Annotated[int, typer.Option(min=0, max=500, help="So many more agents, with --queue and --skills.")] = 0,
    queue: Annotated[str, typer.Option(help="The queue whose team they join.")] = "",
    skills: Annotated[str, typer.Option(help="What they can: spanish=3,housing=2")] = "",
    since: Annotated[str, typer.Option("--from", help="On duty from this time of the day.")] = "00:00",
    until: Annotated[str, typer.Option("--to", help="And until this one.")] = "",
    rules: Annotated[Path | None, typer.Option(exists=True, help="Play it under these routing rules (JSON).")] = None,
    uninterruptible: Annotated[
        str, typer.Option(help="A channel whose work should hold its agent like live work.")
    ] = "",
) -> None:
    """Play a recorded day again with other staff or rules, beside the day as it was. Every answer has its interval."""
    from contactcenter.db import Database
    from contactcenter.errors import DeskError
    from contactcenter.what_if import Asked, show

    asked = Asked(day, agency, add, queue, skills, since, until, rules, uninterruptible)

    async def run() -> None:
        database = Database(_database_url(), pool=1)
        try:
            await show(database, asked, out)
        finally:
            await database.close()

    try:
        asyncio.run(run())
    except (ValueError, DeskError) as error:
        raise typer.Exit(_refuse(str(error))) from None


@app.command()
def password(username: Annotated[str, typer.Argument(help="Whose password to set.")]) -> None:
    """Set a person's password and end their sessions."""
    from contactcenter import passwords

    new = typer.prompt("New password (15 characters or more)", hide_input=True, confirmation_prompt=True)
    if len(new) < 15:
        raise typer.Exit(_refuse("Too short: use 15 characters or more."))
    if not asyncio.run(passwords.change(_database_url(), username, new)):
        raise typer.Exit(_refuse(f"There is nobody with the name {username}."))
    out.print(f"The password of {username} is set; their sessions have ended.")


def _database_url() -> str:
    """The database that is set, or the one in the data folder that `up` made here."""
    settings = Settings()
    if settings.database_url:
        return settings.database_url
    folder = settings.data_dir / "postgres"
    if not (folder / "PG_VERSION").exists():
        raise typer.Exit(
            _refuse("Set CONTACTCENTER_DATABASE_URL, or use `contactcenter up`, which brings its own database.")
        )
    from contactcenter.stores import EmbeddedPostgres

    server = EmbeddedPostgres(folder)
    url = server.start()
    atexit.register(server.stop)  # it stays up while anybody else uses it
    return url
