"""Fifty readers and five typists at the explorer for a minute, by locust on loopback.

    python benchmarks/explorer_load.py --run runs/demo
    python benchmarks/explorer_load.py --run runs/demo --seconds 300 --keep

Each reader opens a view every second or two: overview, a search, a feature with its co-activation,
a timeline, the enriched features of a segment, a comparison. Each typist types a text into the live
view, a key every 150 ms, and each key sends the text so far; an answer that a newer text took its
place is no error. Without a model that can be run there are no typists. The last line is JSON:
requests, errors, the 95th percentile, and the server's memory over time. --keep also writes it to
benchmarks/results/, under the name of the run's model.
"""

from __future__ import annotations

import argparse
import json
import os

import gevent.monkey

if __name__ == "__main__":
    gevent.monkey.patch_all()

from explorer_browser import start, stop
from harness.figures import conclude, machine, table
from harness.synthetic_run import about_run

from sparsetime import seeds

TEXT = "The river carries a little of the old town away every morning, and nobody minds."
KEY = 0.15  # seconds between two keys
PARTS = 10  # of the time, after each of which memory is read


def main() -> None:
    import gevent
    import psutil
    import requests
    from locust import HttpUser, between, constant, task
    from locust.env import Environment

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="runs/demo")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--typists", type=int, default=5)
    parser.add_argument("--model", default="", help="what the live view runs, as explore takes it")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/results/")
    options = parser.parse_args()
    if not os.path.exists(options.run):  # noqa: PTH110
        print(json.dumps({"skipped": f"{options.run} does not exist; make demo makes it"}))
        return
    process, url, _ = start(options.run, *(["--model", options.model] if options.model else []))
    page = requests.get(f"{url}api/run", timeout=60).json()
    keys = [view["entry"]["key"] for view in page["dictionaries"]]
    base = f"/api/dictionaries/{keys[0]}"
    sequences = requests.get(f"{url}{base[1:]}/sequences?limit=500", timeout=60).json()["lines"]
    listed = requests.get(f"{url}{base[1:]}/features?limit=500", timeout=60).json()["lines"]

    choice = seeds.numpy_generator(0, "requests")

    class Reader(HttpUser):
        host = url.rstrip("/")
        wait_time = between(1, 2)

        @task(1)
        def overview(self) -> None:
            self.client.get("/api/run", name="run")

        @task(2)
        def search(self) -> None:
            words = listed[choice.integers(len(listed))]["words"][:1]
            self.client.get(f"{base}/features", params={"words": words}, name="features")

        @task(3)
        def feature(self) -> None:
            number = listed[choice.integers(len(listed))]["feature"]
            self.client.get(f"{base}/features/{number}", name="feature")
            self.client.get(f"{base}/features/{number}/coactivation", name="coactivation")

        @task(4)
        def score(self) -> None:
            line = sequences[choice.integers(len(sequences))]
            first = int(choice.integers(max(1, line["length"] - 128)))
            segment = {"first": first, "stop": min(line["length"], first + 128)}
            at = f"{base}/sequences/{line['sequence']}"
            self.client.get(f"{at}/timeline", params={**segment, "reach": 256}, name="score")
            self.client.get(f"{at}/specific", params=segment, name="specific")

        @task(1)
        def compare(self) -> None:
            if len(keys) > 1:
                pair = {"left": keys[0], "right": keys[1]}
                self.client.get("/api/compare", params=pair, name="compare")

    class Typist(HttpUser):
        host = url.rstrip("/")
        wait_time = constant(0)
        fixed_count = options.typists

        def on_start(self) -> None:
            self.page = f"typist {choice.random()}"
            self.keys: list[gevent.Greenlet] = []

        @task
        def type(self) -> None:
            text = " ".join(choice.choice(TEXT.split(), 12))
            for end in range(1, len(text) + 1):
                self.keys.append(gevent.spawn(self.run_text, text[:end]))
                gevent.sleep(KEY)
            gevent.joinall(self.keys)
            self.keys.clear()

        def run_text(self, text: str) -> None:
            body = {"text": text, "page": self.page}
            at = f"{base}/live"
            with self.client.post(at, json=body, name="live", catch_response=True) as answer:
                # Without an answer the status is 0; `ok` would raise, and nothing be counted.
                last = (answer.text or "").rpartition("\n{")[2]
                replaced = answer.status_code == 409 or "a newer text" in last
                if replaced or (answer.status_code == 200 and "features" in last):
                    answer.success()
                else:
                    answer.failure(
                        f"{answer.status_code}: {(answer.text or str(answer.error))[-200:]}"
                    )

    first = requests.post(f"{url}{base[1:]}/live", json={"text": TEXT}, timeout=120)
    runs_live = first.ok and "features" in first.text
    server = psutil.Process(process.pid)
    classes = [Reader, Typist] if runs_live and options.typists else [Reader]
    environment = Environment(user_classes=classes)
    runner = environment.create_local_runner()
    memory = [server.memory_info().rss / 1e6]
    people = options.users + (options.typists if runs_live else 0)
    runner.start(people, spawn_rate=people)
    for _ in range(PARTS):
        gevent.sleep(options.seconds / PARTS)
        memory.append(server.memory_info().rss / 1e6)
    runner.quit()
    stats = environment.stats
    result = {
        "benchmark": "explorer_load",
        "run": about_run(options.run),
        "users": options.users,
        "typists": options.typists if runs_live else 0,
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
    shown.append(["memory at the start and after each tenth, MB", str(result["memory_mb"])])
    conclude(
        f"explorer_load_{result['run']['model']}", result, table(["", ""], shown), options.keep
    )


if __name__ == "__main__":
    main()
