"""The sentences in a report that say how its numbers were measured; they change with the evaluation's code."""

from collections.abc import Mapping

from stillhouse.evaluation.alternatives import draws
from stillhouse.recipe.recipe import Recipe
from stillhouse.skills.conversation import Conversation
from stillhouse.skills.registry import METRICS
from stillhouse.students.labelled_steps import MOST_EPOCHS

_REGRESSION = (
    " on TF-IDF and on the vectors of a frozen sentence encoder, which learns the names of the labels too. Both also "
    "learn the student's own training examples, which shows what the data is worth, whoever learns it. The strength of "
    "regularisation is chosen by cross-validation on the rows learnt from. They run on the CPU, one request after the "
    "other, at another time than the models in vLLM"
)
_WITHOUT_MODEL = (
    ", the answer of the labelled row whose text is most similar (cosine of TF-IDF), and for summaries the text's own "
    "first words, as many as the labelled answers have in the median"
)
_LABEL_WORTH = (
    f"The labelled rows are drawn in {draws.NUM_ORDERS} orders, of which logistic regression (C = 10) learns the first "
    f"1, 2, 4, ... rows of each class; a class with fewer gives all it has. Draws of more than {draws.LARGE} rows are "
    f"made of {draws.ORDERS_OF_LARGE} orders, none has more than {draws.MOST_DRAWN:,}, and all are of at most "
    f"{draws.MOST_ROWS:,} rows. The last point is the alternative measured on all labels. The number of labels is read "
    "off straight lines on a log scale through the best of both at each size. Its interval is of resampled test rows, "
    "the same for curve and student, and of the choice of the labelled rows, which is estimated from the spread of the "
    "draws (delete-d jackknife). Nothing is claimed beyond all labels; that training a student depends on chance is no "
    "part of the interval."
)

_MODES = {"auto": "eager on a CPU, compiled on a GPU", "eager": "eager mode", "compiled": "compiled mode"}


def method_statements(recipe: Recipe, teacher_qualities: Mapping[str, float] | None = None) -> dict[str, str]:
    """Return topic -> sentence for the report's method block.

    `teacher_qualities` holds the first metric of each teacher by name, if the recipe's one was chosen as their best.
    """
    evaluation, has_labels = recipe.evaluation, recipe.skill.has_labels
    decoding = "answers constrained to the labels" if has_labels else "answers free"
    zero_shot = "the labels named and its answer constrained to them" if has_labels else "the skill's instruction"
    others = "Every model but the teacher" if recipe.measured_teacher.endpoint else "Every model"
    return {
        **_teachers(recipe, teacher_qualities or {}),
        **_teacher(recipe),
        "engine": f"{others} is served by the same vLLM with the same settings "
        f"({_MODES[evaluation.engine.mode]}, {decoding}, greedy).",
        "quality": "All models answer the same test rows. This run trained on none of them; what the models it began "
        "with had seen before is not known. "
        f"{recipe.skill.how_measured} Bootstrap intervals are of {evaluation.resamples} resamples.",
        "comparison": "Gains are differences on the same rows with paired bootstrap intervals; p-values are "
        f"{_tests(recipe)}. Those over the alternatives are one family: their p-values are corrected by Holm, and the "
        "outcome goes by these; the corrected intervals hold together (Bonferroni)."
        f"{_clusters(recipe)} “Shows from” is the least true difference that four of five such test sets would show: "
        "for shares from the rows that only one of both has right (Connor 1987), else from the standard error.",
        "latency": f"{evaluation.latency_requests} single requests after {evaluation.warm_requests} warm ones, from "
        "messages to parsed answer, with retrieval and tokenisation. On a CPU the engines run together and answer the "
        "same rows in turn; on a GPU each is timed alone. "
        f"{_caching(recipe)} The interval of the reduction draws the requests again, those of models timed in turn in "
        "pairs; memory, weights, throughput and cost were measured once and have none.",
        "throughput": f"All test rows at once, {evaluation.concurrency} in flight, after warm requests.",
        "memory": "The largest sum of proportional set sizes of the engine's processes (on a GPU: device memory) while "
        "all test rows are answered. The KV cache holds the longest prompt and completion times the sequences in "
        "flight, on a GPU all that the weights leave of gpu_memory_utilization; the engine's floor is the memory "
        "without weights and KV cache.",
        "cost": "A request to a teacher that charges for tokens costs its mean tokens on the test rows. A request to "
        "any other model costs its machine (costs.serving_usd_per_hour) at the measured throughput.",
        "baseline": "The better of two: the student's weights before training, and the whole base model prompted "
        f"zero-shot with {zero_shot}.",
        "alternatives": "Ways without a teacher learn from all labelled rows but those of validation and test: the "
        f"same student for equal steps, but at most {MOST_EPOCHS} epochs"
        f"{', and logistic regression' + _REGRESSION if has_labels else _WITHOUT_MODEL}.",
        **_second_opinion(recipe),
        **_choices(recipe),
        **({"label worth": _LABEL_WORTH} if has_labels and evaluation.no_teacher_alternatives else {}),
        **_encoders(recipe),
        **_judge(recipe),
    }


def _second_opinion(recipe: Recipe) -> dict[str, str]:
    """Return what the training examples hold beside the teacher's answers, if they do."""
    if recipe.second_opinion is None:
        return {}
    return {
        "training labels": "The label with the greatest product of two probabilities: the teacher's, and to the power "
        f"of {recipe.second_opinion.weight:g} that of logistic regression on the vectors of the frozen sentence "
        "encoder, which learns the labelled rows and the names of the labels. So a student can pass its teacher. The "
        "teacher in this report answers alone."
    }


def _choices(recipe: Recipe) -> dict[str, str]:
    """Return what the validation rows are, if there are any."""
    data = recipe.data
    if data.validation:
        said = "labelled rows of the recipe's own (data.validation), right by their reference"
    elif data.validation_fraction:
        said = (
            f"{data.validation_fraction:.0%} of the training rows, right by their reference, or else by the teacher's "
            "answer that the filters kept: where the teacher is wrong, so are they"
        )
    else:
        return {}
    return {
        "choices": f"Last weights, best student, temperature and threshold are chosen on validation rows: {said}. No "
        "model learns from them, no prompt shows them, and rows like a test row are not among them."
    }


def _caching(recipe: Recipe) -> str:
    if not recipe.evaluation.engine.prefix_caching:
        return "Prefix caching is off, as the recipe has it."
    return (
        "Where all prompts of a model begin alike, the engine keeps their beginning from one request to the next, as "
        "it would in service, and the times with nothing kept stand beside. Nothing else of an earlier request is used."
    )


def _clusters(recipe: Recipe) -> str:
    replies = isinstance(recipe.skill, Conversation) and recipe.skill.targets == "all"
    if not recipe.data.has_groups and not replies:
        return ""
    what = "groups of rows (columns.group)" if recipe.data.has_groups else "dialogues"
    return f" Resamples are of whole {what} and tests exchange whole ones, in place of rows; so do those of shares."


def _encoders(recipe: Recipe) -> dict[str, str]:
    """Return what differs where students are encoders or several; it takes the place of a topic of that name."""
    found = {}
    if any(student.is_encoder for student in recipe.all_students):
        found["encoder students"] = (
            "They are served with 8-bit weights by onnxruntime on the CPU, each in a process of its own and at another "
            "time than the models in vLLM; a request takes one thread. Memory is that of the whole process; their "
            "weights are the graph's file."
        )
    if recipe.main_student.is_encoder:
        found["baseline"] = "The encoder before training: it has learnt the name of each label, and no row."
    if len(recipe.all_students) > 1:
        found["students"] = (
            "All learn the same training examples. The best is named by accuracy (free answers: the first metric) on "
            "the validation rows; test rows have no part in it. Comparison, verdict, gate and card are about it; the "
            "baseline before training and the student on the labelled rows alone are of the first."
        )
    return found


def _tests(recipe: Recipe) -> str:
    kind = METRICS[recipe.evaluation.metrics[0]].kind
    if kind == "share":
        return "of exact McNemar tests"
    exchanged = "scores" if kind == "mean" else "answers"
    return f"of paired permutation tests, which exchange the {exchanged} of rows"


def _teachers(recipe: Recipe, qualities: Mapping[str, float]) -> dict[str, str]:
    if not recipe.has_several:
        return {}
    chosen = "as evaluation.teacher says"
    if qualities:
        metric = METRICS[recipe.evaluation.metrics[0]].label
        each = ", ".join(f"{name} {value:.3f}" for name, value in qualities.items())
        chosen = f"the best of them on the test rows ({metric}: {each}), so that chance is on the teacher's side"
    names = ", ".join(teacher.display_name for teacher in recipe.teachers)
    mixing = recipe.mixing.kind + (f" by {recipe.mixing.by}" if recipe.mixing.kind == "best" else "")
    return {
        "teachers": f"{names} answered, routing {recipe.routing.kind}, mixing {mixing}. The teacher of the comparison "
        f"is {recipe.measured_teacher.display_name}, by itself: {chosen}."
    }


def _teacher(recipe: Recipe) -> dict[str, str]:
    endpoint, evaluation = recipe.measured_teacher.endpoint, recipe.evaluation
    if not endpoint:
        return {}
    return {
        "teacher": f"The teacher answers each test row once over {endpoint.provider}'s API, with the sampling of the "
        f"training prompts (one completion). {evaluation.latency_requests} rows are sent one at a time for its "
        "latency, which includes the network. The others are sent together for its throughput, within the recipe's "
        "limits. Its memory is not known."
    }


def _judge(recipe: Recipe) -> dict[str, str]:
    if not recipe.judge or not recipe.judge.against:
        return {}
    return {
        "judge": "The judge reads each test row with two answers, in both orders, and says which is better or that "
        "neither is. The student wins or loses a row only if both orders say so; otherwise it is a tie. Equal answers "
        "are a tie and an unreadable answer loses; the judge does not see these pairs. Shares have Wilson intervals, "
        "the win rate (wins and half of the ties) a bootstrap interval over rows; p is exact, of wins against losses."
    }
