"""Run by the engine's Python for test_training.py: first cosines of many processes against their second.

Command: `python -m tests.support.workers.cosines PROCESSES`; prints how many processes got another
result the first time.
"""

import os
import sys

# as the training's process does; threads that spin meet each other less often
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import torch

from stillhouse.students.train import set_threads

# the cosines of a batch of 33 tokens: just enough for torch to share them between two threads
SHAPE = (1, 33, 64)


def first_is_another() -> bool:
    """Return whether this process's first cosines are others than its second."""
    set_threads(2)
    angles = torch.arange(33.0)[:, None] * 10_000.0 ** -(torch.arange(64.0) / 64)
    torch.ones(200_000).add_(1)  # the threads are there, as after the embedding
    return not torch.equal(angles.view(SHAPE).cos(), angles.view(SHAPE).cos())


def main() -> None:
    """Fork one process after the other from one that has computed nothing."""
    others = 0
    for _ in range(int(sys.argv[1])):
        child = os.fork()
        if child == 0:
            os._exit(first_is_another())
        others += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    sys.stdout.write(f"{others}\n")


if __name__ == "__main__":
    main()
