"""Requests a few of each teacher's completions for a forecast; a later run finds them in the store."""

from stillhouse.artifacts.handle import ArtifactRef, Built
from stillhouse.costs.generation_summary import GenerationSummary
from stillhouse.costs.ledger import Expense
from stillhouse.costs.price import generation_price
from stillhouse.inference.models import Checkpoint
from stillhouse.recipe.routing import BY_ROW
from stillhouse.teachers.probe_result import ProbeResult
from stillhouse.teachers.spec import ProbeSpec
from tasks.balance import Rows
from tasks.choose_prompts import choose_for_round
from tasks.convert import load_teachers
from tasks.generate import generation_params
from tasks.orchestration.generation import GenerationParams
from tasks.orchestration.params import IfSet
from tasks.orchestration.probes import read_probes
from tasks.orchestration.run import Run
from tasks.orchestration.stage import StageCall, stage
from tasks.orchestration.workers import run_completion_worker
from tasks.route import route_prompts
from tasks.shortlist import shortlist_rows

# prompts of a probe: enough for a mean, and a demo's teacher completes them in seconds
PROMPTS = 32


class ProbeParams(GenerationParams):
    """A generation's parameters, and how many prompts are sent at most."""

    prompts: int
    with_test: IfSet[bool] = True  # whether the requests of test rows are listed too


@stage("probe", version=2, on_device=True)
def probe(call: StageCall[ProbeParams]) -> GenerationSummary:
    """Write asked.parquet, which lists all requests of a run, and probe.json; completions go to their store."""
    inputs = call.folders
    spec = ProbeSpec(
        **call.params.spec_fields(inputs, call.settings.store),
        prompts=call.params.prompts,
        among=str(inputs["among"] / "prompts.parquet") if "among" in inputs else None,
        test=str(inputs["split"] / "test.parquet") if call.params.with_test else None,
        out=str(call.work.folder),
    )
    return run_completion_worker(call, "probe", spec)


def probe_teachers(
    run: Run, checkpoints: list[Checkpoint], rows: Rows, prompts: int = PROMPTS
) -> list[Built[GenerationSummary]]:
    """Return, for each teacher, all requests that a run would make, and which of them the probe made.

    With 0 `prompts` it only lists the requests.

    A second plan makes no others. If completions decide which teacher is next, a teacher is probed with rows that those
    before have completed, and not served.

    Raises:
        DataError: the rows lack what the routing needs.
    """
    recipe = run.recipe
    probes: list[Built[GenerationSummary]] = []
    for index, (teacher, checkpoint) in enumerate(zip(recipe.teachers, checkpoints, strict=True)):
        inputs: dict[str, ArtifactRef | None] = {**rows.inputs, **checkpoint.inputs}
        if recipe.routing.kind in BY_ROW:
            routed = route_prompts(run, index, {}, rows)
            inputs["routed"] = routed.ref if routed else None
        elif recipe.rounds:
            # those of the first round are surely asked
            inputs["among"] = choose_for_round(run, rows, [], None, None).ref
        elif index:
            inputs["among"] = shortlist_rows(run, checkpoints[:index], probes, rows).ref
        params = generation_params(run, index, checkpoint, rows, ProbeParams, prompts=prompts)
        label = f"probe {teacher.display_name}" if recipe.has_several else "probe"
        probes.append(run.build(probe, inputs, params, label=label))
        price = generation_price(teacher, recipe.costs)
        run.note_completions(Expense.GENERATION, f"{teacher.display_name}: prompts", probes[-1], price)
    return probes


def list_requests(run: Run, rows: Rows) -> list[ProbeResult]:
    """Return, for each teacher, all requests that a run would make, none of which is sent.

    Every teacher has to be behind an endpoint, where a prompt's bytes are known without its tokenizer.
    """
    teachers = load_teachers(run)
    return read_probes(run, teachers, probe_teachers(run, teachers, rows, prompts=0))
