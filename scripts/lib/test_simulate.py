"""What scripts/simulate keeps of its ranges, and how it deals with worlds that fail, die or hang."""

import contextlib
import io
import json
import pathlib
import stat
import tempfile
import unittest

import simulate

# Says what Simulate says: seed 3 fails, seed 5 ends its process, seed 7 does not end.
PROGRAM = """\
#!/usr/bin/env python3
import json, os, sys, time
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
first = int(options["--from"])
for seed in range(first, first + int(options["--seeds"])):
    if seed == 5:
        sys.stderr.write("Fatal error")
        sys.stderr.flush()
        os.abort()
    if seed == 7:
        time.sleep(60)
    outcome = {"seed": seed, "hash": "0", "faults": {"lost": 1}}
    if seed == 3:
        outcome["failure"] = "not equal"
    print(json.dumps(outcome), flush=True)
"""


class RangesTest(unittest.TestCase):
    """Which seeds are done."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = pathlib.Path(folder.name) / "program"
        self.program.write_text(PROGRAM, encoding="utf-8")
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)
        self.path = pathlib.Path(folder.name) / "state.json"

    def state(self, kind=None):
        """As a later run finds it."""
        with contextlib.redirect_stderr(io.StringIO()):
            return simulate.State(self.path, self.program, kind or {})

    def run_all(self, *arguments):
        """The exit status, what was said, and what was measured."""
        measured = self.path.with_name("measured.json")
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
            status = simulate.main(["--program", str(self.program), "--state", str(self.path), "--jobs", "2",
                                    "--seconds-max", "1", "--json", str(measured), *arguments])
        return status, said.getvalue(), json.loads(measured.read_text(encoding="utf-8"))

    def test_goes_on_where_it_stopped(self):
        state = self.state()
        self.assertEqual(state.missing(1, 120), [(1, 50), (51, 100), (101, 120)])
        state.note(51, 100, {})
        self.assertEqual(self.state().missing(1, 120), [(1, 50), (101, 120)])
        state.note(1, 50, {7: "not equal"})
        self.assertEqual(self.state().done, [[1, 100]])
        self.assertEqual(self.state().missing(90, 130), [(101, 130)])
        self.assertEqual(self.state().failures, {7: "not equal"})

    def test_another_build_or_kind_begins_anew(self):
        self.state().note(1, 50, {})
        self.assertEqual(self.state({"steps": 200}).missing(1, 50), [(1, 50)])
        self.program.write_text(PROGRAM + "# built again\n", encoding="utf-8")
        self.assertEqual(self.state().missing(1, 50), [(1, 50)])

    def test_one_world_keeps_no_other(self):
        status, said, measured = self.run_all("--seeds", "8")
        self.assertEqual(status, 1)
        self.assertEqual(measured["simulation.failures"], [3, 5, 7])
        self.assertEqual(measured["simulation.worlds"], 6)
        self.assertEqual(measured["simulation.faults"], {"lost": 6})
        self.assertIn("scripts/simulate --seeds 1 --from 5 --trace", said)
        self.assertIn("Fatal error", said)
        self.assertIn("did not end within 1 s", said)

    def test_what_is_done_is_not_run_again(self):
        self.assertEqual(self.run_all("--seeds", "2")[0], 0)
        status, _, measured = self.run_all("--seeds", "2")
        self.assertEqual((status, measured["simulation.worlds"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
