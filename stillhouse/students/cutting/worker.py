"""Cuts a student out of its base model, and measures what that costs before training.

Command: `python -m stillhouse.students.cutting.worker spec.json` (engine environment)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stillhouse.inference.loading import load_config, load_tokenizer
from stillhouse.recipe.cut import Cut
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

_TYPES = ("bfloat16", "float16")


def run(spec: CutSpec, report: Reporter) -> dict[str, Any]:
    """Write the cut model and cut.json into `spec.out`, and return what that holds; of even layers no weights.

    Raises:
        ModelError: the base model can't be loaded or cut, or its chat template can't be trained on.
        DataError: there are no rows, or none that fits `training.max_length`.
    """
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
    losses = {"loss_whole": mean_loss(_place(model, spec), checked, report.beat)}
    if spec.correction:
        model = _place(_corrected(model, tokenizer, stops, spec, report), spec)
        losses["loss_corrected"] = mean_loss(model, checked, report.beat)
    kept = cut_shape(model.config, spec.layers, spec.cut)
    layers, importance = _cut(model, spec, kept, sample, report.beat)
    model = _written(model, spec, report)
    losses["loss_cut"] = mean_loss(model, checked, report.beat)
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
        "layer_importance": importance,
        **losses,
    }
    (Path(spec.out) / "cut.json").write_text(json.dumps(summary, sort_keys=True, indent=1) + "\n")
    report.log(
        f"cut: {kept.layers} of {whole.layers} layers; loss on {len(checked)} rows {losses['loss_whole']:.3f} -> "
        f"{losses['loss_cut']:.3f} before training"
    )
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


def _cut(
    model: Any, spec: CutSpec, kept: Shape, sample: Rows, beat: Callable[[], None]
) -> tuple[list[int], list[float]]:
    """Cut the model in place, and return the layers of the base that are left, and the importance of each before."""
    from stillhouse.students.cutting.importance import loss_without, measure
    from stillhouse.students.cutting.weights import change_embeddings, narrow_feed_forward, narrow_heads

    whole, cut, by_layer = Shape.of(model.config), spec.cut, list[float]()
    family = family_of(model.config, "feed_forward") if cut.is_narrower else None
    feed_forward = family.feed_forward if family and kept.neurons < whole.neurons else None
    heads = family.heads if family and kept.heads < whole.heads else None
    if cut.layers == "loss":
        by_layer = loss_without(model, sample, beat)
    if feed_forward or heads or cut.layers == "influence":
        found = measure(model, sample, feed_forward, heads, beat)
        by_layer = found.influence() if cut.layers == "influence" else by_layer
        if feed_forward:
            narrow_feed_forward(model, feed_forward, kept.neurons, found.neurons)
        if heads:
            narrow_heads(model, heads, whole, kept, found.heads)
    fit_widths(model.config, kept)
    if cut.embeddings != "model":
        change_embeddings(model, cut.embeddings)
    layers = _chosen(cut, whole.layers, kept.layers, by_layer)
    if len(layers) < whole.layers:
        take_layers(model, layers)
    return layers, by_layer


def _chosen(cut: Cut, whole: int, keep: int, importance: list[float]) -> list[int]:
    """Return the ascending indices of the `keep` layers that are kept, of `whole`."""
    if not isinstance(cut.layers, str):
        return list(cut.layers)
    if importance:
        # the most important ones; of equals the first
        return sorted(sorted(range(whole), key=lambda layer: -importance[layer])[:keep])
    return list(range(keep) if cut.layers == "first" else evenly_spaced(whole, keep))


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
