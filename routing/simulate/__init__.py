"""The contact centre in virtual time: worlds, runs of the same engine, what they show, and the scenarios it must pass."""

from routing.simulate.measuring import Estimate, estimate, estimates, figures, waiting_at
from routing.simulate.promises import Played, Promise, Scenario, Verdict, play
from routing.simulate.record import Record
from routing.simulate.run import Simulation, Watch
from routing.simulate.what_if import Difference, what_if
from routing.simulate.worlds import Answers, Chance, Contact, Generators, Kind, World, poisson_contacts

__all__ = [
    "Answers",
    "Chance",
    "Contact",
    "Difference",
    "Estimate",
    "Generators",
    "Kind",
    "Played",
    "Promise",
    "Record",
    "Scenario",
    "Simulation",
    "Verdict",
    "Watch",
    "World",
    "estimate",
    "estimates",
    "figures",
    "play",
    "poisson_contacts",
    "waiting_at",
    "what_if",
]
