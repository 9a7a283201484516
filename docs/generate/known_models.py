"""docs/reference/models.md, from stillhouse/data/model_drafts.py and stillhouse/inference/published_models.py."""

from docs.generate.markdown import code, page, table
from stillhouse.data.model_drafts import STUDENTS, TEACHERS, StudentDraft, TeacherDraft
from stillhouse.inference.published_models import PUBLISHED_MODELS

_INTRO = """
`stillhouse recipe init` takes these short names for `--teacher` and `--student`; any other model is set in the recipe.
[Students of real size](../guides/real-students.md) shows the way from your data to a plan. Licences and terms are as of
November 2026, no legal advice and not complete.
"""
_HEADER = ("name", "model", "parameters", "tokens at most", "licence", "what its owner asks for")


def models_page() -> str:
    """Return the page of the models that have a short name."""
    return page("Models by name", _INTRO, "## Students", _table(STUDENTS), "## Teachers", _table(TEACHERS))


def _table(drafts: dict[str, StudentDraft] | dict[str, TeacherDraft]) -> str:
    return table(_HEADER, [[code(name), *_row(draft)] for name, draft in drafts.items()])


def _row(draft: StudentDraft | TeacherDraft) -> list[str]:
    model, licence = draft.model.partition(" #")[0], draft.licence
    published = PUBLISHED_MODELS.get(model)
    if published is None:
        return [code(model), "not published", "", licence, draft.terms]
    billions = sum(published.numbers.values()) / 1e9
    limit = f"{published.shape['max_position_embeddings']:,}"
    return [code(model), f"{billions:.1f} billion", limit, licence, draft.terms]
