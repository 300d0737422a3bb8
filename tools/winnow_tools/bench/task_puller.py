"""Devices for `winnow bench tasks`: ``python -m winnow_tools.bench.task_puller URL THREADS NAME``, the token on stdin."""

import sys
import threading

from winnow_runtime.task_client import ServerClient
from winnow_schemas.tasks import PREPROCESS_VIDEO, ClaimReply, ClaimRequest, CompleteRequest


def pull(client: ServerClient, worker: str) -> int:
    """Claim and complete until nothing is left; how many."""
    done = 0
    wanted = ClaimRequest(kinds=[PREPROCESS_VIDEO], worker=worker)
    while (task := client.ask("POST", "/api/v1/claim", wanted, ClaimReply).task) is not None:
        said = CompleteRequest(worker=worker, fence=task.fence, result={"frames": 1})
        client.ask("POST", f"/api/v1/tasks/{task.id}/complete", said, dict)
        done += 1
    return done


def main() -> None:
    """Run the threads."""
    url, threads, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    client = ServerClient(url, sys.stdin.readline().strip(), timeout_s=60)
    counts = [0] * threads
    print("ready", flush=True)
    sys.stdin.readline()

    def one(place: int) -> None:
        counts[place] = pull(client, f"{name}-{place}")

    running = [threading.Thread(target=one, args=(place,)) for place in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    print(sum(counts), flush=True)


if __name__ == "__main__":
    main()
