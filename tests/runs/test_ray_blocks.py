"""What the Ray engine does when workers die: against a stand-in that dies on demand."""

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.errors import RunError
from snellen.metrics import create_metrics
from tests.runs.inside import (
    EngineOptions,
    Item,
    Location,
    Outcome,
    RayEngine,
    RayOptions,
    Recipe,
    ScoreWork,
    ScoreWorkMaker,
)
from tests.runs.inside import ray_engine_module as engine_module


class DiedError(Exception):
    pass


class StandIn:
    """As much of Ray as the engine uses, in one process: calls are made when they are waited for.

    `kills` are positions of inputs that kill a worker; `losses` says how many calls a worker
    survives before its machine is taken away.
    """

    exceptions = SimpleNamespace(RayActorError=DiedError)

    def __init__(self, kills=(), losses=()):
        self.kills, self.losses = set(kills), list(losses)
        self.calls, self.most_waiting, self.hired, self.alive = [], 0, 0, set()
        self.begun = Counter()

    def is_initialized(self):
        return True

    def cluster_resources(self):
        return {"CPU": 3.0}

    def put(self, value):
        return value

    def remote(self, _worker):
        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=self._hire))

    def _hire(self, *_):
        self.hired += 1
        actor = SimpleNamespace(number=self.hired, dead=False)
        actor.left = self.losses.pop(0) if self.losses else None
        actor.score = SimpleNamespace(remote=lambda tasks: self._call(actor, tasks))
        self.alive.add(self.hired)
        return actor

    def _call(self, actor, tasks):
        call = SimpleNamespace(actor=actor, tasks=tasks)
        self.calls.append(call)
        self.most_waiting = max(self.most_waiting, sum(len(c.tasks) for c in self.calls))
        return _Hashable(call)

    def wait(self, references, num_returns):
        assert num_returns == 1
        return references[:1], references[1:]

    def get(self, reference):
        call = reference.call
        self.calls.remove(call)
        actor = call.actor
        if actor.left == 0 or any(position in self.kills for position, _ in call.tasks):
            actor.dead = True
            self.calls = [c for c in self.calls if c.actor is not actor]
        if actor.dead:
            raise DiedError("the actor is dead")
        if actor.left is not None:
            actor.left -= 1
        self.begun.update(position for position, _ in call.tasks)
        return [Outcome(position) for position, _ in call.tasks]

    def kill(self, actor):
        self.alive.discard(actor.number)


class _Hashable:
    def __init__(self, call):
        self.call = call


def tasks(count):
    return [(i, Item(Location(f"{i}.png"))) for i in range(count)]


@pytest.fixture(scope="module")
def metrics():
    return create_metrics(["psnr"])


def ray_engine(metrics, recipe=None, options=None):
    work, maker = ScoreWork(metrics, EngineOptions()), ScoreWorkMaker(recipe or metrics)
    return RayEngine(work, maker, EngineOptions(), options)


def outcomes(metrics, ray, count, patch, **options):
    patch.setattr(engine_module, "_import_ray", lambda: ray)
    options = RayOptions(**options)
    engine = ray_engine(metrics, Recipe(("psnr",)), options)
    return list(engine(tasks(count)))


@given(
    count=st.integers(0, 60),
    block=st.integers(1, 9),
    workers=st.integers(1, 4),
    kills=st.sets(st.integers(0, 59), max_size=4),
    losses=st.lists(st.integers(0, 6), max_size=4),
)
@settings(max_examples=60)
def test_every_input_has_one_outcome_whoever_dies(metrics, count, block, workers, kills, losses):
    with pytest.MonkeyPatch.context() as patch:
        ray = StandIn(kills, losses)
        found = outcomes(metrics, ray, count, patch, block=block, workers=workers)
    assert sorted(o.position for o in found) == list(range(count))
    failed = {o.position for o in found if o.error}
    assert kills & set(range(count)) <= failed
    # A loss may hit a worker while it is at a single image, twice: no more than that is given up.
    assert len(failed - kills) <= len(losses) // 2
    assert all(n == 1 for n in ray.begun.values())


def test_an_image_that_kills_is_named(metrics, monkeypatch):
    found = outcomes(metrics, StandIn(kills=[5]), 20, monkeypatch, block=4, workers=2)
    [bad] = [o for o in found if o.error]
    assert bad.position == 5
    assert "5.png: 2 worker processes died while they scored this image" in bad.error


def test_a_lost_machine_costs_no_image(metrics, monkeypatch):
    ray = StandIn(losses=[1])
    found = outcomes(metrics, ray, 40, monkeypatch, block=4, workers=2)
    assert not any(o.error for o in found)
    assert ray.hired == 3


def test_inputs_are_taken_as_they_are_needed(metrics, monkeypatch):
    ray = StandIn()
    monkeypatch.setattr(engine_module, "_import_ray", lambda: ray)
    engine = ray_engine(metrics, options=RayOptions(block=3, workers=2))
    taken = []
    stream = engine(taken.append(i) or task for i, task in enumerate(tasks(1000)))
    next(stream)
    assert len(taken) == 12  # two blocks of three for each of two workers
    stream.close()
    assert not ray.alive


def test_as_many_workers_as_there_is_room_for(metrics, monkeypatch):
    ray = StandIn()
    outcomes(metrics, ray, 100, monkeypatch)
    assert ray.hired == 3
    ray = StandIn()
    outcomes(metrics, ray, 100, monkeypatch, cpus=2)
    assert ray.hired == 1


def test_a_worker_that_cannot_begin_ends_the_run(metrics, monkeypatch):
    ray = StandIn()
    ray.get = lambda _: (_ for _ in ()).throw(
        DiedError("error raised in its creation task\nWeightsError: no such file: w.safetensors")
    )
    with pytest.raises(RunError, match=r"worker cannot begin: WeightsError: no such file"):
        outcomes(metrics, ray, 3, monkeypatch)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "workers: expected 1 or more, got 0"),
        ({"block": -1}, "block: expected 1 or more"),
        ({"gpus": -0.5}, "gpus: expected 0 or more"),
        ({"wrokers": 2}, "no option 'wrokers'; it has address, workers"),
    ],
)
def test_options(options, words):
    with pytest.raises(RunError, match=words):
        RayOptions.of(options)


def test_without_ray(metrics, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RunError, match=r"Ray is not installed.*snellen\[ray\]"):
        ray_engine(metrics)
