"""Cuts a student out of its base model, and measures what that costs before training.

Command: `python -m stillhouse.students.cutting.worker spec.json` (engine environment)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillhouse.inference.loading import load_config, load_tokenizer
from stillhouse.students.base_model import load_base
from stillhouse.students.cutting.sample import sample_of
from stillhouse.students.cutting.shape import Shape, check_cut, cut_shape, family_of, fit_widths
from stillhouse.students.cutting.spec import CutSpec
from stillhouse.students.export import copy_processor, save_student
from stillhouse.students.initialise import evenly_spaced, initialise, take_layers
from stillhouse.students.served_template import prepare_template
from stillhouse.students.tokens import Rows, encode_rows, iterate_rows, stop_ids

if TYPE_CHECKING:
    from stillhouse.runtime.worker import Reporter
    from stillhouse.students.cutting.importance import Importance

_TYPES = ("bfloat16", "float16")


def run(spec: CutSpec, report: Reporter) -> dict[str, Any]:
    """Write the cut model and importance.json into `spec.out`; of evenly spaced layers alone no weights are written.

    Raises:
        ModelError: the base model can't be loaded or cut, or its chat template can't be trained on.
        DataError: there are no rows, or none that fits `training.max_length`.
    """
    from stillhouse.students.cutting.importance import measure
    from stillhouse.students.cutting.loss import mean_loss
    from stillhouse.students.train import set_threads

    set_threads(spec.threads)
    check_cut(load_config(spec.base_model, spec.revision), spec.layers, spec.cut)
    model, tokenizer = initialise(spec.base_model, spec.revision, 0, spec.chat_template)
    prepare_template(tokenizer, spec)
    stops = stop_ids(model.generation_config, tokenizer)
    sample = _encoded(spec, spec.rows, tokenizer, stops)
    checked = _encoded(spec, spec.validation, tokenizer, stops) if spec.validation else sample
    whole, parameters = Shape.of(model.config), model.num_parameters()
    kept = cut_shape(model.config, spec.layers, spec.cut)
    _place(model, spec)
    losses = {"loss_whole": mean_loss(model, checked, report.beat)}
    if spec.correction:
        model = _place(_corrected(model, tokenizer, stops, spec, report), spec)
        losses["loss_corrected"] = mean_loss(model, checked, report.beat)

    family = family_of(model.config, "feed_forward") if spec.cut.is_narrower else None
    importance = None
    if spec.cut.is_narrower or spec.cut.layers == "influence":
        feed_forward = family.feed_forward if family and spec.cut.feed_forward < 1 else None
        heads = family.heads if family and spec.cut.heads < 1 else None
        importance = measure(model, sample, feed_forward, heads, report.beat)
    by_layer = _layer_importance(model, spec, sample, importance, report.beat)
    layers = _chosen(spec, whole, kept, by_layer)
    _cut(model, spec, whole, kept, layers, importance)
    model = _written(model, spec, report)
    losses["loss_cut"] = mean_loss(model, checked, report.beat)
    where = "validation rows" if spec.validation else "training examples"
    report.log(
        f"cut: {kept.layers} of {whole.layers} layers; loss {losses['loss_whole']:.3f} -> {losses['loss_cut']:.3f} "
        f"before training, on {len(checked)} {where}"
    )
    summary = {
        "whole": whole.model_dump(),
        "kept": kept.model_dump(),
        "layers": layers,
        "parameters": model.num_parameters(),
        "whole_parameters": parameters,
        "embeddings": spec.cut.embeddings,
        "correction_steps": spec.cut.correction.steps,
        "loss_rows": len(checked),
        "loss_on_validation": spec.validation is not None,
        "layer_importance": by_layer,
        **losses,
    }
    (Path(spec.out) / "cut.json").write_text(json.dumps(summary, sort_keys=True, indent=1) + "\n")
    return summary


def _encoded(spec: CutSpec, path: str, tokenizer: Any, stops: frozenset[int]) -> Rows:
    rows = sample_of(Path(path), spec.cut.sample)
    return encode_rows(tokenizer, rows, stops, spec.max_length)[0]


def _place(model: Any, spec: CutSpec) -> Any:
    import torch

    on_gpu = spec.device == "cuda" or (spec.device == "auto" and torch.cuda.is_available())
    return model.float().to("cuda" if on_gpu else "cpu").eval()


def _corrected(model: Any, tokenizer: Any, stops: frozenset[int], spec: CutSpec, report: Reporter) -> Any:
    """Return the whole model after some steps on all training examples."""
    from stillhouse.students.train import train
    from stillhouse.students.trainer_setup import TrainingJob

    assert spec.correction is not None
    folder = Path(spec.checkpoints)
    rows, _ = encode_rows(
        tokenizer, iterate_rows(Path(spec.rows)), stops, spec.max_length, into=folder / "correction.arrow"
    )
    trained, summary = train(TrainingJob(model, tokenizer, rows, [], spec.correction, folder, report))
    report.log(f"correction: {summary['steps']} steps, loss {summary['train_loss']:.3f}")
    return trained.merge_and_unload() if hasattr(trained, "merge_and_unload") else trained


def _layer_importance(
    model: Any, spec: CutSpec, sample: Rows, importance: Importance | None, beat: Callable[[], None]
) -> list[float]:
    from stillhouse.students.cutting.importance import loss_without

    if spec.cut.layers == "loss":
        return loss_without(model, sample, beat)
    return importance.influence() if importance and spec.cut.layers == "influence" else []


def _chosen(spec: CutSpec, whole: Shape, kept: Shape, importance: list[float]) -> list[int]:
    """Return the ascending indices of the base's layers that are kept."""
    if not isinstance(spec.cut.layers, str):
        return list(spec.cut.layers)
    if importance:
        # the most important ones; of equals the first
        return sorted(sorted(range(whole.layers), key=lambda layer: -importance[layer])[: kept.layers])
    return list(range(kept.layers) if spec.cut.layers == "first" else evenly_spaced(whole.layers, kept.layers))


def _cut(
    model: Any, spec: CutSpec, whole: Shape, kept: Shape, layers: list[int], importance: Importance | None
) -> None:
    from stillhouse.students.cutting.weights import change_embeddings, narrow_feed_forward, narrow_heads

    if importance and kept.neurons < whole.neurons:
        parts = family_of(model.config, "feed_forward").feed_forward
        narrow_feed_forward(model, parts, kept.neurons, importance.neurons)
    if importance and kept.heads < whole.heads:
        heads = family_of(model.config, "heads").heads
        assert heads is not None, "refused before work"
        narrow_heads(model, heads, whole, kept, importance.heads)
    fit_widths(model.config, kept)
    if spec.cut.embeddings != "model":
        change_embeddings(model, spec.cut.embeddings)
    if len(layers) < whole.layers:
        take_layers(model, layers)


def _written(model: Any, spec: CutSpec, report: Reporter) -> Any:
    """Return the cut model as training will load it: written, with the base's own tokenizer, and read again."""
    if spec.cut.is_plain:
        # each training makes this cut by itself
        return model
    out = Path(spec.out)
    # the base's own numbers need no other type; corrected ones are new
    stored = "float32" if spec.correction else _stored_type(spec)
    save_student(model, load_tokenizer(spec.base_model, spec.revision), out, stored)
    copy_processor(model.config, spec.base_model, spec.revision, out)
    report.beat()
    return _place(load_base(str(out), "")[0], spec)


def _stored_type(spec: CutSpec) -> str:
    dtype = str(getattr(load_config(spec.base_model, spec.revision).get_text_config(), "dtype", None))
    return next((name for name in _TYPES if dtype.endswith(name)), "float32")


if __name__ == "__main__":
    from stillhouse.runtime.worker import serve

    serve(CutSpec, run)
