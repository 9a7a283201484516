"""The commands of a server, word by word; the slow test has vLLM's own parser read them."""

import os
import shlex
import subprocess

import pytest

from stillhouse.inference.vllm.arguments import EngineModel
from stillhouse.inference.vllm.engine import environment_for
from stillhouse.inference.vllm.footprint import Spread
from stillhouse.inference.vllm.launch import server_commands
from stillhouse.recipe.engine import Engine
from stillhouse.runtime.settings import load_settings

DEEPSEEK = EngineModel(
    path="deepseek-ai/DeepSeek-V3", dtype="bfloat16", engine=Engine(expert_parallel=True, kv_cache_dtype="fp8")
)
TWO_NODES = Spread(tensor_parallel=8, pipeline_parallel=2)


def test_server_commands_one_for_each_machine():
    first, second = server_commands(DEEPSEEK, TWO_NODES, 8192, gpus_of_node=8)
    shared = (
        "vllm serve deepseek-ai/DeepSeek-V3 --dtype bfloat16 --kv-cache-dtype fp8 --tensor-parallel-size 8 "
        "--pipeline-parallel-size 2 --gpu-memory-utilization 0.9 --max-model-len 8192 --enable-expert-parallel "
        "--nnodes 2 --master-addr HEAD"
    )
    assert first == f"{shared} --node-rank 0 --port 8000"
    assert second == f"{shared} --node-rank 1 --headless"


def test_server_commands_of_one_machine_name_no_other():
    model = EngineModel(path="/models/a b", dtype="auto", quantization="fp8", engine=Engine())
    (command,) = server_commands(model, Spread(tensor_parallel=4, pipeline_parallel=1), 4096, gpus_of_node=8)
    assert shlex.split(command)[:3] == ["vllm", "serve", "/models/a b"]
    assert "--quantization fp8" in command
    assert "--nnodes" not in command


PARSE = """
import sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = make_arg_parser(FlexibleArgumentParser())
for command in sys.argv[1:]:
    found = parser.parse_args(command.split()[2:])
    said = (found.tensor_parallel_size, found.nnodes, found.node_rank, found.headless, found.enable_expert_parallel)
    print("said:", found.model_tag, *said)
"""


@pytest.mark.slow
def test_server_commands_are_read_by_the_real_vllm():
    commands = server_commands(DEEPSEEK, TWO_NODES, 8192, gpus_of_node=8)
    answered = subprocess.run(
        [load_settings().engine_python, "-c", PARSE, *commands],
        env=os.environ | environment_for(Engine()),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert [line for line in answered.stdout.splitlines() if line.startswith("said:")] == [
        "said: deepseek-ai/DeepSeek-V3 8 2 0 False True",
        "said: deepseek-ai/DeepSeek-V3 8 2 1 True True",
    ]
