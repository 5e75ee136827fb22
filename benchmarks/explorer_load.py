"""Fifty people clicking around the explorer for a minute, by locust on loopback.

    python benchmarks/explorer_load.py --run runs/demo

Each opens a view every second or two: overview, a search, a feature with its co-activation, a
timeline, the enriched features of a segment, a comparison. The last line is JSON: requests, errors,
the 95th percentile, and the server's memory before, in the middle and after. --keep also writes it
to benchmarks/results/, under the name of the run's model.
"""

from __future__ import annotations

import argparse
import json
import os
import random

import gevent.monkey

if __name__ == "__main__":
    gevent.monkey.patch_all()

from explorer_browser import start, stop
from harness.figures import conclude, machine, table
from harness.synthetic_run import about_run


def main() -> None:
    import gevent
    import psutil
    import requests
    from locust import HttpUser, between, task
    from locust.env import Environment

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/demo")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    options = parser.parse_args()
    if not os.path.exists(options.run):  # noqa: PTH110
        print(json.dumps({"skipped": f"{options.run} does not exist; make demo makes it"}))
        return
    process, url, _ = start(options.run)
    page = requests.get(f"{url}api/run", timeout=60).json()
    keys = [view["entry"]["key"] for view in page["dictionaries"]]
    base = f"/api/dictionaries/{keys[0]}"
    sequences = requests.get(f"{url}{base[1:]}/sequences?limit=500", timeout=60).json()["lines"]
    listed = requests.get(f"{url}{base[1:]}/features?limit=500", timeout=60).json()["lines"]

    class Reader(HttpUser):
        host = url.rstrip("/")
        wait_time = between(1, 2)

        @task(1)
        def overview(self) -> None:
            self.client.get("/api/run", name="run")

        @task(2)
        def search(self) -> None:
            words = random.choice(listed)["words"][:1]
            self.client.get(f"{base}/features", params={"words": words}, name="features")

        @task(3)
        def feature(self) -> None:
            number = random.choice(listed)["feature"]
            self.client.get(f"{base}/features/{number}", name="feature")
            self.client.get(f"{base}/features/{number}/coactivation", name="coactivation")

        @task(4)
        def score(self) -> None:
            line = random.choice(sequences)
            first = random.randrange(max(1, line["length"] - 128))
            segment = {"first": first, "stop": min(line["length"], first + 128)}
            at = f"{base}/sequences/{line['sequence']}"
            self.client.get(f"{at}/timeline", params={**segment, "reach": 256}, name="score")
            self.client.get(f"{at}/specific", params=segment, name="specific")

        @task(1)
        def compare(self) -> None:
            if len(keys) > 1:
                pair = {"left": keys[0], "right": keys[1]}
                self.client.get("/api/compare", params=pair, name="compare")

    server = psutil.Process(process.pid)
    environment = Environment(user_classes=[Reader])
    runner = environment.create_local_runner()
    memory = [server.memory_info().rss / 1e6]
    runner.start(options.users, spawn_rate=options.users)
    for _ in range(2):
        gevent.sleep(options.seconds / 2)
        memory.append(server.memory_info().rss / 1e6)
    runner.quit()
    stats = environment.stats
    result = {
        "benchmark": "explorer_load",
        "run": about_run(options.run),
        "users": options.users,
        "seconds": options.seconds,
        "requests": stats.total.num_requests,
        "errors": stats.total.num_failures,
        "p50_ms": stats.total.get_response_time_percentile(0.5),
        "p95_ms": stats.total.get_response_time_percentile(0.95),
        "p95_of_each_ms": {
            name: entry.get_response_time_percentile(0.95)
            for (name, _), entry in stats.entries.items()
        },
        "memory_mb": [round(m) for m in memory],
        "machine": machine() | {"load": round(os.getloadavg()[0], 1)},
    }
    stop(process)
    shown = [[name, str(result[name])] for name in ("requests", "errors", "p50_ms", "p95_ms")]
    shown.append(["memory at the start, half way and at the end, MB", str(result["memory_mb"])])
    conclude(
        f"explorer_load_{result['run']['model']}", result, table(["", ""], shown), options.keep
    )


if __name__ == "__main__":
    main()
