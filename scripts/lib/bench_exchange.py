"""How fast messages are sealed and opened, and the master imports and answers, on one core; how much memory master and
requestor need; how long a change takes from one directory into another, by mail, with services that run continuously; and
how many worlds of the simulator a minute takes.

In the first figures sealed messages are passed on as files: what mail takes is not in them.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from latency import measure_latency

PARTS = ("request", "import", "reply", "receive")
MIB = 1024 * 1024


def exchange(program, entries, core):
    """What each part of one exchange took."""
    with tempfile.TemporaryDirectory(prefix="interorg-bench-") as folder:
        return {part: run(program, part, entries, folder, core) for part in PARTS}


def run(program, part, entries, folder, core):
    """One part, in a process of its own: its peak memory is that of this part alone."""
    command = ["taskset", "-c", str(core), program, part, "--entries", str(entries), "--folder", folder]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode != 0:
        sys.exit(f"{part} ended with {result.returncode}: {result.stderr.decode()[-2000:]}")
    return json.loads(result.stdout)


def sealing(program, rounds, core):
    """MB of payload a second."""
    command = ["taskset", "-c", str(core), program, "--rounds", str(rounds)]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def worlds_per_minute(program, worlds):
    """Large worlds, on all cores."""
    with tempfile.TemporaryDirectory(prefix="interorg-bench-") as folder:
        file = pathlib.Path(folder) / "worlds.json"
        script = pathlib.Path(__file__).with_name("simulate.py")
        command = [sys.executable, script, "--program", program, "--seeds", str(worlds), "--requestors", "8",
                   "--entries", "500", "--steps", "200", "--state", file.with_name("state.json"), "--json", file]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        return json.loads(file.read_text(encoding="utf-8"))["simulation.worlds_per_minute"]


def main(arguments):
    """Medians of some rounds, and one round for the memory."""
    parser = argparse.ArgumentParser(prog="scripts/bench exchange", description=__doc__)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--interorg", required=True, type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--sealing", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--simulate", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--worlds", type=int, default=200, help="of the simulator, with 500 entries in each; 0: none")
    parser.add_argument("--entries", type=int, default=20_000, help="of the requestor whose request is imported")
    parser.add_argument("--latency-entries", type=int, default=10_000, help="in the three directories together")
    parser.add_argument("--changes", type=int, default=200, help="whose way from directory to directory is timed")
    parser.add_argument("--memory-entries", type=int, default=200_000, help="where the memory is measured; 0: not")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0, help="the core that everything runs on")
    parser.add_argument("--json", type=pathlib.Path, help="write what was measured")
    options = parser.parse_args(arguments)
    rounds = [exchange(options.program, options.entries, options.core) for _ in range(options.rounds)]

    def per_second(part):
        return statistics.median(one[part]["entries"] / one[part]["seconds"] for one in rounds)

    sealed = sealing(options.sealing, options.rounds, options.core)
    measured = {"seal.mb_per_s": sealed["seal.mb_per_s"], "open.mb_per_s": sealed["open.mb_per_s"],
                "master.import_per_s": round(per_second("import")), "master.reply_per_s": round(per_second("reply")),
                "requestor.request_per_s": round(per_second("request")),
                "requestor.import_per_s": round(per_second("receive"))}
    if options.memory_entries:
        large = exchange(options.program, options.memory_entries, options.core)
        peak = {part: one["peakMemoryBytes"] / MIB for part, one in large.items()}
        measured["memory.master_mib"] = round(max(peak["import"], peak["reply"]), 1)
        measured["memory.requestor_mib"] = round(max(peak["request"], peak["receive"]), 1)
    with tempfile.TemporaryDirectory(prefix="interorg-bench-") as folder:
        seconds = measure_latency(
            options.interorg.resolve(), options.latency_entries // 3, options.changes, pathlib.Path(folder))
    measured["latency.p50_ms"] = round(statistics.median(seconds) * 1000, 1)
    measured["latency.p99_ms"] = round(statistics.quantiles(seconds, n=100)[98] * 1000, 1)
    if options.worlds:
        measured["simulation.worlds_per_minute"] = round(worlds_per_minute(options.simulate, options.worlds))
    for name, value in measured.items():
        print(f"{name} {value:,}")
    if options.json:
        options.json.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
