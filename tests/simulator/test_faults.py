import pytest

from exchanges.endpoint import Kind
from exchanges.simulator import FaultPoint, Faults
from exchanges.simulator.faults.plan import NO_FAULT, DrawnFault, FaultPlan
from exchanges.simulator.faults.points import AFTER_EXECUTING, BEFORE_EXECUTING, CONNECTION, HARMLESS, TOO_MANY_REQUESTS

EVEN = {point: 1 / len(FaultPoint) for point in FaultPoint}


def drawn(seed: int, kinds: list[Kind], faults: Faults | None = None) -> list[DrawnFault]:
    """Draw the faults of requests of these kinds, one after the other."""
    plan = FaultPlan(seed, (0, 0), faults or Faults(EVEN))
    return [plan.for_request(kind) for kind in kinds]


# What faults are


def test_every_point_is_before_or_after():
    """Each point says whether what it hits is executed."""
    assert set(FaultPoint) == BEFORE_EXECUTING | AFTER_EXECUTING
    assert set() == BEFORE_EXECUTING & AFTER_EXECUTING


def test_smaller_groups_are_parts_of_the_larger():
    """What befalls connections, and refusals for the limit, are not executed; what is harmless is."""
    assert CONNECTION < BEFORE_EXECUTING
    assert TOO_MANY_REQUESTS < BEFORE_EXECUTING
    assert HARMLESS < AFTER_EXECUTING


def test_retry_after_comes_in_seven_kinds():
    """None, seconds, a date, one in the past, garbage, negative, huge."""
    assert 7 == len(TOO_MANY_REQUESTS)


def test_names_do_for_points():
    """A plain mapping of words is taken as well."""
    assert Faults({FaultPoint.DRIP: 0.5}) == Faults.of({"drip": 0.5})


def test_no_faults():
    """Nothing goes wrong unless it is said."""
    assert Faults({}) == Faults() == Faults.of(None)


def test_faults_stay_as_they_are():
    """Probabilities are changed by setting others."""
    with pytest.raises(TypeError):
        Faults({"drip": 0.5}).at[FaultPoint.DRIP] = 1.0  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"at": {"dripp": 0.5}}, "unknown fault 'dripp'; the faults are: refuse to accept"),
        ({"at": {"drip": 1.5}}, "drip: the probability must be between 0 and 1, got 1.5"),
        ({"at": {"drip": -0.1}}, "drip: the probability"),
        ({"at": {"drip": float("nan")}}, "drip: the probability"),
        ({"at": {"drip": 0.6, "garble": 0.6}}, "add up to 1.2, but at most one fault hits a request"),
        ({"kinds": {"free"}}, "'free' is not a valid Kind"),
        ({"late_seconds": (2, 1)}, "late_seconds must be the least and the largest delay in seconds, got"),
        ({"late_seconds": (-1, 1)}, "late_seconds"),
        ({"late_seconds": (0, float("inf"))}, "late_seconds"),
        ({"idle_seconds": 0}, "idle_seconds must be above 0"),
        ({"drip_seconds": -1}, "drip_seconds must be at least 0"),
        ({"bomb_bytes": 0}, "bomb_bytes at least 1"),
    ],
)
def test_what_cannot_be_is_refused(given, words):
    """Wrong probabilities, points, kinds and times are told, each in words."""
    with pytest.raises(ValueError, match=words):
        Faults(**given)


def test_ten_tenths_are_one():
    """Probabilities that add up to 1 but for rounding are taken."""
    points = list(FaultPoint)[:10]

    assert 10 == len(Faults(dict.fromkeys(points, 0.1)).at)


# How they are drawn


def test_faults_are_the_same_from_the_same_seed():
    """What goes wrong depends on the seed and the order of requests alone."""
    kinds = [Kind.READ, Kind.MONEY] * 100

    assert drawn(1, kinds) == drawn(1, kinds)
    assert drawn(1, kinds) != drawn(2, kinds)


def test_every_point_is_drawn_as_often_as_it_says():
    """Of many requests about the given share is hit."""
    faults = Faults({"drip": 0.3, "garble": 0.1})
    hits = [fault.point for fault in drawn(3, [Kind.READ] * 10_000, faults)]

    assert 0.3 == pytest.approx(hits.count(FaultPoint.DRIP) / 10_000, abs=0.02)
    assert 0.1 == pytest.approx(hits.count(FaultPoint.GARBLE) / 10_000, abs=0.02)


def test_certain_faults_are_certain():
    """Probability 1 hits every request."""
    assert {FaultPoint.DRIP} == {fault.point for fault in drawn(3, [Kind.READ] * 1000, Faults({"drip": 1}))}


def test_other_kinds_are_spared():
    """Only requests of the given kinds are hit, and none that is not declared."""
    faults = Faults({"drip": 1}, kinds={Kind.MONEY})

    assert [NO_FAULT, FaultPoint.DRIP, NO_FAULT] == [
        fault.point or fault for fault in drawn(1, [Kind.READ, Kind.MONEY, None], faults)
    ]


def test_connections_and_requests_are_drawn_apart():
    """What befalls connections does not befall requests, nor the other way round."""
    plan = FaultPlan(1, (0, 0), Faults({"refuse to accept": 0.5, "drip": 0.5}))

    assert {None, FaultPoint.DRIP} == {plan.for_request(Kind.READ).point for _ in range(100)}
    assert {None, FaultPoint.REFUSE_TO_ACCEPT} == {plan.for_connection().point for _ in range(100)}


def test_delays_do_not_depend_on_faults():
    """The same seed gives the same delays, whether anything goes wrong or not."""
    polite, rough = FaultPlan(1, (0, 1)), FaultPlan(1, (0, 1), Faults(EVEN))
    rough.for_request(Kind.READ)
    rough.for_connection()

    assert polite.delay_seconds() == rough.delay_seconds()
