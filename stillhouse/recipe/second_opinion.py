"""The recipe's section `second_opinion`: what the labelled rows say about a prompt, beside its teacher."""

from pydantic import Field

from stillhouse.config import FrozenModel


class SecondOpinion(FrozenModel):
    """A classifier on the labelled rows, whose probabilities are multiplied with the teacher's."""

    weight: float = Field(
        1.0,
        gt=0.0,
        le=100.0,
        description="how much the classifier counts: the teacher's probability of each label is multiplied with the "
        "classifier's to this power. 1 counts both alike; choose it on `data.validation`",
    )
