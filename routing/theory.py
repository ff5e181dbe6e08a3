"""What queueing theory says a pool can do: the yardstick for the engine, and the sums of a planner.

Units everywhere: rates per minute (`arrival_rate` of all contacts, `service_rate` of one agent, `patience_rate` of
one citizen), times in minutes, `load` in erlangs (arrival rate times mean handling time). Poisson arrivals,
exponential times, first come first served unless the function says otherwise. Every function raises ValueError with
a sentence for numbers that describe no queue.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil, exp, fsum, inf, lgamma, log, sqrt
from statistics import NormalDist

NEGLIGIBLE = 1e-30
"""States this much rarer than the commonest one are left out."""


@dataclass(frozen=True, slots=True)
class PatientQueue:
    """Everybody waits until served; `drain_rate` is the service rate that the busy pool has to spare."""

    p_wait: float
    mean_wait: float
    occupancy: float
    drain_rate: float

    def served_within(self, minutes: float) -> float:
        """P(W <= t), those who did not wait included."""
        _need(minutes >= 0, "A time limit is not negative.")
        return 1.0 - self.p_wait * exp(-self.drain_rate * minutes)


@dataclass(frozen=True, slots=True)
class ImpatientQueue:
    """Some give up while waiting: `mean_wait` is over all arrivals, whether served or lost."""

    p_wait: float
    p_abandon: float
    mean_wait: float
    occupancy: float


@dataclass(frozen=True, slots=True)
class LimitedQueue:
    """Arrivals that find every waiting place taken are turned away; waits are over those let in.

    `found_waiting[j]`: probability that they find all agents busy and j others waiting; `pool_rate` N mu.
    """

    p_blocked: float
    mean_wait: float
    occupancy: float
    pool_rate: float
    found_waiting: tuple[float, ...]

    def served_within(self, minutes: float) -> float:
        """P(W <= t): j + 1 services must end before an arrival that finds j waiting is served."""
        _need(minutes >= 0, "A time limit is not negative.")
        too_few_services = accumulate(_poisson(self.pool_rate * minutes, len(self.found_waiting)))
        return 1.0 - fsum(found * late for found, late in zip(self.found_waiting, too_few_services, strict=True))


@dataclass(frozen=True, slots=True)
class PriorityQueue:
    """Mean waits by class, the most urgent first, and the mean over all arrivals."""

    mean_waits: tuple[float, ...]
    overall: float


@dataclass(frozen=True, slots=True)
class Staffing:
    """The smallest number of agents that reaches a service level, and what it then is."""

    agents: int
    service_level: float
    occupancy: float


def erlang_b(agents: int, load: float) -> float:
    """Probability that all agents are busy when nobody can wait.

    Erlang's loss formula (A. K. Erlang, 1917) by the recurrence B(n) = a B(n-1) / (n + a B(n-1)), which has neither
    factorials nor subtractions (Cooper, Introduction to Queueing Theory, 2nd ed. 1981).
    """
    _need(agents >= 0, "The number of agents is not negative.")
    _need(0 < load < inf, "The load is a positive number of erlangs.")
    blocked = 1.0
    for agent in range(1, agents + 1):
        blocked = load * blocked / (agent + load * blocked)
    return blocked


def erlang_c(agents: int, arrival_rate: float, service_rate: float) -> PatientQueue:
    """M/M/N, everybody patient.

    Erlang's delay formula (A. K. Erlang, 1917) from the loss formula: C = B / (1 - r (1 - B)), r the occupancy; those
    who wait do so exponentially with rate N mu - lambda (Cooper, Introduction to Queueing Theory, 2nd ed. 1981).
    Raises ValueError if the agents cannot keep up: the wait then grows without bound.
    """
    _pool(agents, arrival_rate, service_rate)
    stable = arrival_rate < agents * service_rate
    _need(stable, f"{agents} agents cannot keep up with {arrival_rate:g} contacts a minute.")
    occupancy = arrival_rate / (agents * service_rate)
    drain_rate = agents * service_rate - arrival_rate
    blocked = erlang_b(agents, arrival_rate / service_rate)
    p_wait = blocked / (1.0 - occupancy * (1.0 - blocked))
    return PatientQueue(p_wait, p_wait / drain_rate, occupancy, drain_rate)


def erlang_a(agents: int, arrival_rate: float, service_rate: float, patience_rate: float) -> ImpatientQueue:
    """M/M/N+M: each citizen gives up after an exponential time of waiting with mean 1 / `patience_rate`. Exact.

    Palm's model (C. Palm, Research on telephone traffic carried by full availability groups, 1957) as a birth-death
    process, with P(abandon) = theta E[W] (Mandelbaum and Zeltyn, Service engineering in action, 2007). Any load is
    stable. The work grows with the square root of `arrival_rate` / `patience_rate`.
    """
    _pool(agents, arrival_rate, service_rate)
    _need(0 < patience_rate < inf, "The patience rate is a positive number a minute.")
    shares = _shares_of_time(agents, arrival_rate, service_rate, patience_rate)
    mean_wait = fsum((n - agents) * share for n, share in shares.items() if n > agents) / arrival_rate
    p_wait = fsum(share for n, share in shares.items() if n >= agents)
    return ImpatientQueue(p_wait, patience_rate * mean_wait, mean_wait, _occupancy(shares, agents))


def limited_queue(agents: int, waiting_places: int, arrival_rate: float, service_rate: float) -> LimitedQueue:
    """M/M/N/K, K = `agents` + `waiting_places`: at most so many wait, any more are turned away. Exact.

    Birth-death solution; who finds j waiting has an Erlang(j + 1, N mu) wait (Gross and Harris, Fundamentals of
    Queueing Theory, 3rd ed. 1998). Any load is stable.
    """
    _pool(agents, arrival_rate, service_rate)
    _need(waiting_places >= 0, "The number of waiting places is not negative.")
    capacity, pool_rate = agents + waiting_places, agents * service_rate
    shares = _shares_of_time(agents, arrival_rate, service_rate, most=capacity)
    let_in = fsum(share for n, share in shares.items() if n < capacity)
    found_waiting = tuple(shares.get(n, 0.0) / let_in for n in range(agents, capacity))
    mean_wait = fsum((j + 1) * found for j, found in enumerate(found_waiting)) / pool_rate
    return LimitedQueue(shares.get(capacity, 0.0), mean_wait, _occupancy(shares, agents), pool_rate, found_waiting)


def _shares_of_time(
    agents: int, arrival_rate: float, service_rate: float, patience_rate: float = 0.0, most: int | None = None
) -> dict[int, float]:
    """The share of time with n contacts present, waiting or served, for every n worth keeping.

    Built outwards from the commonest n, where every factor is below 1: nothing overflows, however large the pool.
    """

    def leaving(present: int) -> float:
        return min(present, agents) * service_rate + max(0, present - agents) * patience_rate

    surplus = arrival_rate - agents * service_rate
    overfull = agents + int(surplus / patience_rate) if most is None else most
    commonest = present = int(arrival_rate / service_rate) if surplus < 0 else overfull
    weights = {present: 1.0}
    while weights[present] > NEGLIGIBLE and present != most:
        weights[present + 1] = weights[present] * arrival_rate / leaving(present + 1)
        present += 1
    present = commonest
    while weights[present] > NEGLIGIBLE and present > 0:
        weights[present - 1] = weights[present] * leaving(present) / arrival_rate
        present -= 1
    total = fsum(weights.values())
    return {n: weight / total for n, weight in weights.items()}


def _occupancy(shares: dict[int, float], agents: int) -> float:
    return fsum(min(n, agents) * share for n, share in shares.items()) / agents


def _poisson(mean: float, length: int) -> Iterator[float]:
    """P(exactly j events), j = 0, 1, ... `length` - 1."""
    for j in range(length):
        yield exp(j * log(mean) - mean - lgamma(j + 1)) if mean > 0 else float(j == 0)


def strict_priority(agents: int, arrival_rates: Sequence[float], service_rate: float) -> PriorityQueue:
    """Non-preemptive M/M/N with classes served strictly in turn, the most urgent first.

    W(k) = C / (N mu (1 - s(k-1)) (1 - s(k))), s(k) the occupancy by classes 1 to k (Cobham, Priority assignment in
    waiting line problems, 1954; Kella and Yechiali, Waiting times in the non-preemptive priority M/M/c queue, 1985).
    """
    _need(all(rate > 0 for rate in arrival_rates), "The arrival rate of each class is a positive number.")
    together, pool_rate = fsum(arrival_rates), agents * service_rate
    base = erlang_c(agents, together, service_rate).p_wait / pool_rate
    spare = [1.0, *(1.0 - rate / pool_rate for rate in accumulate(arrival_rates))]
    waits = tuple(base / (before * after) for before, after in pairwise(spare))
    return PriorityQueue(waits, fsum(rate * wait for rate, wait in zip(arrival_rates, waits, strict=True)) / together)


def square_root_agents(load: float, quality: float) -> int:
    """Agents for a load by the square-root rule N = R + beta sqrt(R), rounded up; beta is the `quality` of service.

    Were there always an agent free, the number busy would be Poisson with mean and variance R (M/G/infinity): beta
    counts standard deviations of head-room (Whitt, Understanding the efficiency of multi-server service systems, 1992).
    """
    _need(0 < load < inf, "The load is a positive number of erlangs.")
    _need(0 < quality < inf, "The quality of service is a positive number.")
    return ceil(load + quality * sqrt(load) - 1e-9)  # 110.00000000000001 means 110


def delay_at_quality(quality: float) -> float:
    """P(wait) in a large pool staffed by the square-root rule: 1 / (1 + beta Phi(beta) / phi(beta)).

    Halfin and Whitt, Heavy-traffic limits for queues with many exponential servers, 1981.
    """
    _need(quality >= 0, "The quality of service is not negative.")
    density = NormalDist().pdf(quality)
    return density / (density + quality * NormalDist().cdf(quality))


def quality_for_delay(p_wait: float) -> float:
    """The beta at which the share `p_wait` of arrivals waits: `delay_at_quality` (Halfin and Whitt 1981) inverted."""
    _need(0 < p_wait < 1, "The probability of waiting lies between 0 and 1.")
    low, high = 0.0, 40.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if delay_at_quality(middle) > p_wait else (low, middle)
    return high


def agents_for_service_level(arrival_rate: float, service_rate: float, share: float, minutes: float) -> Staffing:
    """The fewest agents with P(W <= `minutes`) >= `share` (0.8 for 80 %), by Erlang C (A. K. Erlang, 1917).

    The service level rises with every agent, so the first number that reaches it is the answer.
    """
    _pool(1, arrival_rate, service_rate)
    _need(0 < share < 1, "A service level lies between 0 and 1.")
    agents = int(arrival_rate / service_rate)
    while True:
        agents += 1
        if agents * service_rate > arrival_rate:
            queue = erlang_c(agents, arrival_rate, service_rate)
            if queue.served_within(minutes) >= share:
                return Staffing(agents, queue.served_within(minutes), queue.occupancy)


def _pool(agents: int, arrival_rate: float, service_rate: float) -> None:
    _need(agents >= 1, "A pool has at least one agent.")
    _need(0 < arrival_rate < inf, "The arrival rate is a positive number of contacts a minute.")
    _need(0 < service_rate < inf, "The service rate is a positive number of contacts a minute.")


def _need(true: bool, sentence: str) -> None:
    if not true:
        raise ValueError(sentence)
