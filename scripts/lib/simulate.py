"""Runs ranges of the simulator's seeds in several processes, and keeps which are done.

The state belongs to one program and one kind of world: what another build has lived through says nothing of this one.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
KIND = ("requestors", "entries", "steps", "guard_count")
# Seeds that one process takes at a time, at most: after an interruption those of each process are run again.
RANGE = 50


class State:
    """Which seeds are done, and what came of them; on disk after every range."""

    def __init__(self, path, program, kind):
        self.path = path
        self.identity = {"program": hashlib.sha256(program.read_bytes()).hexdigest(), "kind": kind}
        self.done = []
        self.failures = {}
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        if known.get("identity") == self.identity:
            self.done = known["done"]
            self.failures = {int(seed): failure for seed, failure in known["failures"].items()}
        else:
            print(f"simulate: {path} is of another build or of other worlds: begun anew", file=sys.stderr)

    def missing(self, first, last):
        """Ranges of those seeds that are not done, each small enough for one process."""
        gaps = []
        for begin, end in [*self.done, (last + 1, last)]:
            if begin > first:
                gaps.append((first, min(begin - 1, last)))
            first = max(first, end + 1)
        return [(begin, min(begin + RANGE - 1, end))
                for start, end in gaps for begin in range(start, end + 1, RANGE)]

    def note(self, begin, end, failures):
        """A range is done."""
        self.failures.update(failures)
        merged = []
        for one, other in sorted([*self.done, [begin, end]]):
            if merged and one <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], other)
            else:
                merged.append([one, other])
        self.done = merged
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps({"identity": self.identity, "done": self.done,
                                   "failures": dict(sorted(self.failures.items()))}, indent=1), encoding="utf-8")
        new.replace(self.path)


class Runner:
    """The processes."""

    def __init__(self, program, options, seconds_max):
        self.program = program
        self.options = options
        self.seconds_max = seconds_max
        self.processes = set()
        self.is_stopped = False
        self.lock = threading.Lock()
        self.faults = collections.Counter()
        self.worlds = 0

    def run(self, begin, end):
        """Lives through the seeds; what failed by seed. A world that ends its process does not end the others."""
        failures = {}
        while begin <= end and not self.is_stopped:
            begin = self.run_process(begin, end, failures)
        return failures

    def run_process(self, begin, end, failures):
        """The seed to go on with."""
        command = [self.program, "--from", str(begin), "--seeds", str(end - begin + 1), *self.options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              start_new_session=True) as process:
            with self.lock:
                self.processes.add(process)
                if self.is_stopped:
                    process.kill()
            seed = begin
            has_hung = threading.Event()
            errors = Tail(process.stderr)
            while True:
                timer = threading.Timer(self.seconds_max, lambda: (has_hung.set(), process.kill()))
                timer.start()
                line = process.stdout.readline()
                timer.cancel()
                if not line.endswith(b"\n"):
                    break
                self.note(json.loads(line), failures)
                seed += 1
            process.wait()
            with self.lock:
                self.processes.discard(process)
        if seed <= end and not self.is_stopped:
            failures[seed] = (f"it did not end within {self.seconds_max} s" if has_hung.is_set()
                              else f"the process ended with {process.returncode}: {errors.text()}")
            self.report(seed, failures[seed])
            seed += 1
        return seed

    def note(self, outcome, failures):
        """One world has ended."""
        with self.lock:
            self.worlds += 1
            self.faults.update(outcome["faults"])
        if "failure" in outcome:
            failures[outcome["seed"]] = outcome["failure"]
            self.report(outcome["seed"], outcome["failure"])

    def report(self, seed, failure):
        """How to repeat it is what counts."""
        again = shlex.join(["scripts/simulate", "--seeds", "1", "--from", str(seed), *self.options, "--trace"])
        lines = failure.splitlines()
        more = f" (and {len(lines) - 5} lines more)" if len(lines) > 5 else ""
        with self.lock:
            print(f"seed {seed} failed: " + "\n    ".join(lines[:5]) + f"{more}\n  again: {again}", flush=True)

    def stop(self):
        """Ends the processes."""
        with self.lock:
            self.is_stopped = True
            for process in self.processes:
                process.kill()


class Tail:
    """Reads what a process says, and keeps the end of it."""

    def __init__(self, pipe):
        self.bytes = b""
        self.thread = threading.Thread(target=self.read, args=(pipe,), daemon=True)
        self.thread.start()

    def read(self, pipe):
        """Until there is no more."""
        while chunk := pipe.read1(65536):
            self.bytes = (self.bytes + chunk)[-4000:]

    def text(self):
        """What has been read."""
        self.thread.join(timeout=5)
        return self.bytes.decode("utf-8", "replace").strip()


def run_ranges(runner, state, ranges, jobs):
    """Whether all of them were run."""
    progress = Progress(sum(end - begin + 1 for begin, end in ranges), runner)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        pending = {pool.submit(runner.run, *seeds): seeds for seeds in ranges}
        try:
            for future in concurrent.futures.as_completed(pending):
                state.note(*pending[future], future.result())
                progress.show()
        except KeyboardInterrupt:
            runner.stop()
            pool.shutdown(cancel_futures=True)
            progress.end()
            return False
    progress.end()
    return True


class Progress:
    """One line on a terminal, nothing elsewhere."""

    def __init__(self, count, runner):
        self.count = count
        self.runner = runner
        self.begin = time.monotonic()

    def show(self):
        """Written over the line before."""
        if sys.stderr.isatty():
            rate = self.runner.worlds * 60 / max(time.monotonic() - self.begin, 0.001)
            print(f"\r{self.runner.worlds} of {self.count} worlds, {rate:.0f} a minute ", end="", file=sys.stderr)

    def end(self):
        """The line is done."""
        if sys.stderr.isatty():
            print(file=sys.stderr)


def parse(arguments):
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/simulate", description="Run worlds of the simulator; what is done already is not run again.",
        epilog="exit status: 0 no world failed; 1 some did; 130 stopped, and the same command goes on",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seeds", type=int, default=1000, metavar="N", help="how many worlds")
    parser.add_argument("--from", type=int, default=1, dest="first", metavar="SEED", help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="J", help="processes at a time")
    parser.add_argument("--requestors", type=int, metavar="R", help="in each world; otherwise 2 to 8, by the seed")
    parser.add_argument("--entries", type=int, metavar="E", help="in all together; otherwise a few each")
    parser.add_argument("--steps", type=int, metavar="S", help="until the faults end; otherwise 30")
    parser.add_argument("--guard-count", type=int, metavar="N", help="deletions that the guard lets pass; otherwise all")
    parser.add_argument("--state", type=pathlib.Path, default=REPOSITORY / ".build" / "simulation.json",
                        metavar="FILE", help="which seeds are done")
    parser.add_argument("--seconds-max", type=int, default=300, metavar="S", help="a world that takes longer has failed")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write what was measured")
    parser.add_argument("--trace", action="store_true", help="live through the worlds again, and print what happens")
    options = parser.parse_args(arguments)
    if options.seeds < 1 or options.jobs < 1 or options.first < 0:
        parser.error("--seeds and --jobs are at least 1, and --from is not negative")
    return options


def main(arguments):
    """Runs what is missing, and says what came of all of it."""
    options = parse(arguments)
    kind = {name: getattr(options, name) for name in KIND if getattr(options, name) is not None}
    flags = [word for name, value in kind.items() for word in ("--" + name.replace("_", "-"), str(value))]
    last = options.first + options.seeds - 1
    if options.trace:
        command = [options.program, "--from", str(options.first), "--seeds", str(options.seeds), *flags, "--trace"]
        return subprocess.run(command, check=False).returncode
    state = State(options.state, options.program, kind)
    ranges = state.missing(options.first, last)
    runner = Runner(str(options.program), flags, options.seconds_max)
    begin = time.monotonic()
    is_complete = run_ranges(runner, state, ranges, options.jobs)
    seconds = time.monotonic() - begin
    rate = runner.worlds * 60 / seconds if runner.worlds else 0
    failed = sorted(seed for seed in state.failures if options.first <= seed <= last)
    print(f"{runner.worlds} worlds in {seconds:.0f} s, {rate:.0f} a minute"
          + (f"; {options.seeds} seeds done in all" if is_complete else "; stopped, and the same command goes on")
          + f"; failed: {', '.join(map(str, failed)) or 'none'}")
    if runner.worlds:
        print("faults: " + ", ".join(f"{count} {name}" for name, count in sorted(runner.faults.items())))
    if options.json:
        options.json.write_text(json.dumps({
            "simulation.worlds_per_minute": round(rate, 1), "simulation.worlds": runner.worlds,
            "simulation.failures": failed, "simulation.jobs": options.jobs, "simulation.kind": kind,
            "simulation.faults": dict(sorted(runner.faults.items()))}, indent=1) + "\n", encoding="utf-8")
    if not is_complete:
        return 130
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
