"""faiss's HNSW over the vectors of a folder, on one thread, beside Lucida's.

    python faiss_hnsw.py build FOLDER COUNT        goes on where it was killed; writes faiss.json
    python faiss_hnsw.py measure FOLDER EF,EF,...  prints one line of JSON

M and efConstruction are those of src/search/hnsw-graph.ts, given as LUCIDA_M and LUCIDA_EF.
"""

import json
import os
import resource
import sys
import time

import faiss
import numpy as np

DIMENSION = 512
K = 10
PAGE = 2_000
SAVED_EVERY = 50_000


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def write_whole(path, write):
    write(path + ".tmp")
    os.replace(path + ".tmp", path)


def read_vectors(folder, start, end):
    """Not mapped into memory, which would count as the index's own."""
    path, width = f"{folder}/vectors.f32", DIMENSION * 4
    block = np.fromfile(path, "float32", (end - start) * DIMENSION, offset=start * width)
    return block.reshape(-1, DIMENSION)


def build(folder, count):
    path, costs = f"{folder}/faiss.index", f"{folder}/faiss.json"
    before = {"vectors": 0, "seconds": 0, "cpuSeconds": 0, "peakBytes": 0, "runs": 0}
    if os.path.exists(path):
        index = faiss.read_index(path)
        with open(costs) as file:
            before = json.load(file)
    else:
        m, ef = int(os.environ["LUCIDA_M"]), int(os.environ["LUCIDA_EF"])
        index = faiss.IndexHNSWFlat(DIMENSION, m, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = ef
    started_at, started_cpu = time.perf_counter(), time.process_time()
    while index.ntotal < count:
        start = index.ntotal
        end = min(start + PAGE, count)
        index.add(read_vectors(folder, start, end))
        if end % SAVED_EVERY != 0 and end != count:
            continue
        write_whole(path, lambda to: faiss.write_index(index, to))
        cost = {
            "vectors": end,
            "seconds": before["seconds"] + time.perf_counter() - started_at,
            "cpuSeconds": before["cpuSeconds"] + time.process_time() - started_cpu,
            "threads": 1,
            "peakBytes": max(before["peakBytes"], peak_bytes()),
            "runs": before["runs"] + 1,
        }
        with open(costs, "w") as file:
            json.dump(cost, file)
        print(f"faiss: {end} of {count} after {cost['seconds']:.0f} s", file=sys.stderr, flush=True)


def measure(folder, efs):
    queries = np.fromfile(f"{folder}/queries.f32", "float32").reshape(-1, DIMENSION)
    truth = np.fromfile(f"{folder}/truth.u32", "uint32").reshape(-1, K)
    before = resident_bytes()
    started_at = time.perf_counter()
    index = faiss.read_index(f"{folder}/faiss.index")
    load_seconds = time.perf_counter() - started_at
    loaded = resident_bytes() - before
    points = []
    for ef in efs:
        index.hnsw.efSearch = ef
        for query in queries[:100]:
            index.search(query[None], K)
        took_ms, right = [], 0
        for query, wanted in zip(queries, truth):
            asked_at = time.perf_counter()
            _, found = index.search(query[None], K)
            took_ms.append((time.perf_counter() - asked_at) * 1000)
            right += np.isin(found[0], wanted).sum()
        points.append({"ef": ef, "recall": int(right) / truth.size, "tookMs": took_ms})
    told = {
        "version": faiss.__version__,
        "loadSeconds": load_seconds,
        "loadedBytes": loaded,
        "residentBytes": resident_bytes() - before,
        "peakBytes": peak_bytes(),
        "points": points,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    task, folder, argument = sys.argv[1:]
    faiss.omp_set_num_threads(1)
    if task == "build":
        build(folder, int(argument))
    else:
        measure(folder, [int(ef) for ef in argument.split(",")])
