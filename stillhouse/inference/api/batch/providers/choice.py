"""Which kind of batch API a model's provider has."""

import openai

from stillhouse.inference.api.batch.providers.anthropic import AnthropicBatches
from stillhouse.inference.api.batch.providers.gemini import GeminiBatches
from stillhouse.inference.api.batch.providers.mistral import MistralBatches
from stillhouse.inference.api.batch.providers.openai import OpenAIBatches
from stillhouse.inference.api.batch.providers.protocol import BatchApi
from stillhouse.inference.api.request import ApiModel


def batch_api(api: openai.AsyncOpenAI, model: ApiModel) -> BatchApi:
    """Return the batch API of the model's provider, over the open connection."""
    kind = model.endpoint.preset.batch_api
    if kind == "anthropic":
        return AnthropicBatches(api, model)
    if kind == "gemini":
        return GeminiBatches(api, model)
    return MistralBatches(api, model.teacher.model) if kind == "mistral" else OpenAIBatches(api)
