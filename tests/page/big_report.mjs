// SPDX-License-Identifier: Apache-2.0
// A JSON report of 1,000 tests and 5,000 processes: what a full run of a large suite looks like to the page.
export function bigReport(tests = 1000, processes = 5000) {
  const begin = 1_700_000_000_000;
  const run = {
    id: "b1g", host: "builder-7", directory: "/src", pid: 4000, command: ["/src/build/kv_test", "--gtest_shuffle"],
    containment: "lineage and tag", ending: "the test program has finished", complete: true, finished: true, clean: false,
    begin_ms: begin, tests: [], servers: [], leaks: [], notes: [],
  };
  const process = (pid, started, command, more = {}) => ({
    pid, parent: 1, group: pid, session: pid, uid: 1000, state: "S", name: command[0].slice(0, 15), command, cwd: "/tmp", ports: [],
    start_ticks: pid, started_ns: started * 1_000_000, ...more,
  });
  let time = begin;
  let pid = 5000;
  const perTest = Math.floor(processes / tests);
  const results = ["passed", "passed", "passed", "passed", "passed", "passed", "passed", "passed", "skipped"];
  for (let i = 0; i < tests; ++i) {
    const name = `Suite${Math.floor(i / 25)}.Case${i}`;
    const duration = 40 + ((i * 7919) % 160);
    let result = results[i % results.length];
    if (i % 97 === 13) result = "failed";
    if (i === 500) result = "timed_out";
    const test = { test: name, result, iteration: 0, file: "tests/kv_test.cc", line: 10 + i, begin_ms: time, duration_ms: duration };
    if (result === "failed") test.failures = [{ message: `Expected equality of these values:\n  got\n    Which is: ${i}\n  want`, file: "tests/kv_test.cc", line: 14 + i }];
    if (result === "timed_out") test.evidence = `${name} was still running after its timeout of 60 s; its servers were stopped to end it\n  test program 4000:\n    thread 4000 (kv_test) state S in unix_stream_read_generic\n  server redis:\n    5123 state S in ep_poll  redis-server --port 40123\n`;
    run.tests.push(test);
    const leader = pid++;
    const children = [];
    for (let j = 1; j < perTest; ++j) children.push({ process: process(pid++, time + 6 + j, ["redis-server", `worker-${j}`]), needed: j === 3 && i % 50 === 0 ? 9 : 15, status: null });
    run.servers.push({
      name: "redis", test: name, pid: leader, warden: 3000 + i, command: ["redis-server", "--port", String(20000 + i)], ports: [20000 + i],
      log: `/tmp/curfew-b1g/${i + 1}.log`, log_tail: ["* Server initialized", "* Ready to accept connections", "# User requested shutdown..."],
      asked_ms: time + 2, launched_ms: time + 4, ready_ms: time + 14, stopping_ms: time + duration - 9, exited_ms: time + duration - 3,
      ended_ms: time + duration - 2, status: { code: 0 }, killed: i % 50 === 0, warden_lost: false,
      stop: { leader: { code: 0 }, processes: [{ process: process(leader, time + 4, ["redis-server"]), needed: 15, status: { code: 0 } }, ...children], orphans: [], survivors: [], took_ns: 7_000_000 },
    });
    if (i % 200 === 77) {
      const leaked = process(pid++, time + 20, ["/usr/sbin/nosy-exporter", "--daemon", "--listen", "9100"], { ports: [9100] });
      run.leaks.push({
        process: leaked, escapes: ["its parent is gone (daemonised or orphaned)", `own session ${leaked.pid} (setsid)`],
        evidence: ["lineage", "tag", "mark"], server: "redis", test: name, reaped: true, why_alive: "", found_ms: time + duration + 45,
        command_line: leaked.command.join(" "),
        text: `leaked process ${leaked.pid}: ${leaked.command.join(" ")}\n  begun by    server redis in ${name}\n  escaped     its parent is gone (daemonised or orphaned)\n  listens on  9100\n  known by    lineage, tag, mark\n  now         reaped: nothing of it is left\n`,
      });
    }
    time += duration + 12;
  }
  run.end_ms = time + 20;
  return { format: "curfew-report", version: 1, summary: summaryOf([run]), runs: [run], damage: [] };
}

// Of a machine whose clock jumped: an hour back, ten hours forth, to 1970, and a run that ends before it begins.
export function jumpReport() {
  const begin = 1_700_000_000_000;
  const hour = 3_600_000;
  const test = (name, begin_ms, more) => ({ test: name, result: "passed", iteration: 0, begin_ms, duration_ms: 50, ...more });
  const run = {
    id: "jump", host: "", directory: "", pid: 1, command: ["kv_test"], containment: "", ending: "", complete: false, finished: false,
    clean: false, begin_ms: begin, end_ms: begin - hour, notes: [], leaks: [],
    tests: [test("A.Before", begin), test("A.Back", begin - hour), test("A.Forth", begin + 10 * hour), test("A.Epoch", 0),
      test("A.NoEnd", begin + 20 * hour, { result: "unfinished", duration_ms: undefined })],
    servers: [{ name: "redis", test: "A.Before", pid: 5, warden: 4, killed: false, warden_lost: false, asked_ms: begin + 10,
      launched_ms: begin - hour, ready_ms: begin - hour + 9, stopping_ms: begin + 5, ended_ms: begin - 10 }],
  };
  return { format: "curfew-report", version: 1, summary: summaryOf([run]), runs: [run], damage: [] };
}

function summaryOf(runs) {
  const results = {};
  for (const run of runs) for (const test of run.tests) results[test.result] = (results[test.result] ?? 0) + 1;
  const sum = (list) => runs.reduce((total, run) => total + run[list].length, 0);
  return { runs: runs.length, tests: sum("tests"), results, servers: sum("servers"), leaks: sum("leaks"), exempted: 0, clean: false };
}
