"""The least that can be done: OpenAI's async client, as many requests at once as may be, the answers in one file."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI


async def ask_all(spec: dict[str, Any]) -> list[str]:
    """Return the answer to each prompt."""
    at_once = asyncio.Semaphore(spec["concurrency"])
    async with AsyncOpenAI(base_url=spec["address"], api_key="none", timeout=600) as client:

        async def ask(prompt: str) -> str:
            async with at_once:
                reply = await client.chat.completions.create(
                    model=spec["model"],
                    messages=[{"role": "user", "content": prompt}],
                    max_completion_tokens=spec["max_tokens"],
                    temperature=0.0,
                    extra_body={"ignore_eos": True},
                )
            return str(reply.choices[0].message.content)

        return list(await asyncio.gather(*map(ask, spec["prompts"])))


if __name__ == "__main__":
    spec = json.loads(Path(sys.argv[1]).read_text())
    started = time.perf_counter()
    answers = asyncio.run(ask_all(spec))
    seconds = time.perf_counter() - started
    (Path(spec["folder"]) / "answers.json").write_text(json.dumps(answers))
    print(json.dumps({"answers": len(answers), "asking_s": seconds}))
