"""What plans make of probes: parameters and inputs of the stages that read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.inference.models import Checkpoint
from stillhouse.planning.inputs import PlanInputs
from stillhouse.recipe.recipe import Recipe
from stillhouse.skills.cases import read_splits
from stillhouse.teachers.probe_result import ProbeResult, read_probe
from tasks.orchestration.params import Execution, Params
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall

Probes = Sequence[Built[GenerationSummary]]


class PlanParams(Params):
    """What a stage needs to read the probes among its inputs."""

    recipe: Execution[Recipe]
    fingerprints: Execution[tuple[str, ...]]  # what the probed teachers' completions are stored under


def plan_inputs(call: StageCall[Any]) -> PlanInputs:
    """Return what the probes among a call's inputs tell, with the completions that the store holds now."""
    params = call.params
    probes = [
        read_probe(call.folder(f"probe_{index}"), call.store, params.recipe.teachers[index], fingerprint)
        for index, fingerprint in enumerate(params.fingerprints)
    ]
    splits = read_splits(call.folder("balance"), call.folder("split"), params.recipe.skill)
    return PlanInputs(params.recipe, params.labels, probes, splits)


def read_probes(run: Run, checkpoints: Sequence[Checkpoint], probes: Probes) -> list[ProbeResult]:
    """Return the result of each teacher's probe, with the completions that the store holds now."""
    store, fingerprints = run.store, fingerprints_of(run, checkpoints)
    return [
        read_probe(store.fetch(probe.ref), store, teacher, fingerprint, probe.summary)
        for probe, teacher, fingerprint in zip(probes, run.recipe.teachers, fingerprints, strict=True)
    ]


def fingerprints_of(run: Run, checkpoints: Sequence[Checkpoint]) -> tuple[str, ...]:
    """Return what the teachers' completions are stored under, for the recipe's first teachers."""
    pairs = zip(checkpoints, run.recipe.teachers, strict=False)
    return tuple(checkpoint.fingerprint_as(teacher) for checkpoint, teacher in pairs)


def probe_inputs(probes: Probes) -> Mapping[str, ArtifactRef]:
    """Return the probes as inputs of a stage."""
    return {f"probe_{index}": probe.ref for index, probe in enumerate(probes)}
