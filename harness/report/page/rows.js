// From the report to a forest of rows: run, test, server, process, leak. Knows nothing of the page.
const kBad = new Set(["failed", "timed_out", "crashed", "unfinished"]);
const kWords = {
  passed: "passed", failed: "failed", timed_out: "timed out", crashed: "crashed", unfinished: "unfinished",
  skipped: "skipped", disabled: "disabled", not_run: "not run",
};

function makeNode(kind, name, from, to, source) {
  return { kind, name, from, to, source, bars: [], children: [], parent: null, level: 1, bad: false, open: false, text: null };
}

function addChild(parent, child) {
  child.parent = parent;
  child.level = parent.level + 1;
  parent.children.push(child);
  return child;
}

function commandOf(process) {
  return process.command && process.command.length ? process.command.join(" ") : "[" + process.name + "]";
}

// Without the directory of the program: what tells one from another comes behind it. The whole line is in the details.
function shortCommand(line) { return line.replace(/^[^\s'"]*\/(?=[^\s/])/, ""); }

function startOf(process) {
  return process.started_ns ? Math.floor(process.started_ns / 1e6) : undefined;
}

function testNode(test, runEnd) {
  const to = test.begin_ms === undefined ? undefined
    : test.duration_ms === undefined ? Math.max(test.begin_ms, runEnd) : test.begin_ms + test.duration_ms;
  const node = makeNode("test", test.test, test.begin_ms, to, test);
  node.state = test.result;
  node.bad = kBad.has(test.result);
  if (node.from !== undefined) node.bars.push({ from: node.from, to, colour: "--" + barColour(test.result) });
  return node;
}

function barColour(result) {
  if (result === "timed_out") return "timed";
  if (kBad.has(result)) return "failed";
  return result === "passed" ? "passed" : "skipped";
}

function serverNode(server, runEnd) {
  // A clock that was set back has ends before beginnings.
  const to = Math.max(server.asked_ms ?? -Infinity, server.ended_ms ?? server.exited_ms ?? runEnd);
  const node = makeNode("server", server.name, server.asked_ms, to, server);
  node.state = "server";
  const phases = [["asked_ms", "--launching"], ["ready_ms", "--in-use"], ["stopping_ms", "--stopping"]];
  const known = phases.filter(([member]) => server[member] !== undefined);
  known.forEach(([member, colour], i) => {
    const until = i + 1 < known.length ? server[known[i + 1][0]] : to;
    node.bars.push({ from: server[member], to: Math.max(server[member], until), colour });
  });
  node.killed = server.killed || server.warden_lost;
  for (const stopped of server.stop?.processes ?? []) {
    const process = stopped.process;
    if (process.pid === server.pid) continue;
    const from = startOf(process) ?? node.from;
    const child = makeNode("process", process.pid + " " + shortCommand(commandOf(process)), from, to, stopped);
    child.state = "process";
    child.bars.push({ from, to: Math.max(from, to), colour: "--process" });
    child.killed = stopped.needed === 9;
    addChild(node, child);
  }
  return node;
}

function leakNode(leak, testEnd, runEnd) {
  const from = startOf(leak.process) ?? leak.found_ms;
  const to = Math.max(from, leak.found_ms ?? runEnd ?? from);
  const node = makeNode("leak", leak.process.pid + " " + shortCommand(leak.command_line ?? commandOf(leak.process)), from, to, leak);
  node.state = "leak";
  node.bad = !leak.exempted;
  node.bars.push({ from, to, colour: "--leak", hatched: Boolean(leak.exempted) });
  node.testEnd = testEnd;
  return node;
}

// Which of the records of one test name was running then; a repeated test has several.
function recordAt(nodes, time) {
  if (!nodes) return undefined;
  let found = nodes[0];
  for (const node of nodes) if (node.from !== undefined && time !== undefined && node.from <= time) found = node;
  return found;
}

function runNode(run) {
  const begins = [run.begin_ms, ...run.tests.map((test) => test.begin_ms), ...run.servers.map((server) => server.asked_ms)]
    .filter((time) => time !== undefined);
  const begin = begins.length ? begins.reduce((a, b) => Math.min(a, b)) : 0;
  let end = Math.max(begin, run.end_ms ?? begin);
  for (const test of run.tests) if (test.begin_ms !== undefined) end = Math.max(end, test.begin_ms + (test.duration_ms ?? 0));
  for (const server of run.servers) end = Math.max(end, server.ended_ms ?? 0, server.exited_ms ?? 0);
  for (const leak of run.leaks) end = Math.max(end, leak.found_ms ?? 0);

  const program = run.command.length ? run.command[0].split("/").pop() : "run " + run.id;
  const node = makeNode("run", program, begin, end, run);
  node.state = "run";
  // What no test and no leak tells: the command failed, was killed or timed out; its guardian was lost.
  node.bad = Boolean(run.abnormal_end);
  if (run.is_command) node.bars.push({ from: begin, to: end, colour: node.bad ? "--failed" : "--passed" });
  const byName = new Map();
  for (const test of run.tests) {
    const child = addChild(node, testNode(test, end));
    if (!byName.has(test.test)) byName.set(test.test, []);
    byName.get(test.test).push(child);
  }
  const others = new Map();
  const place = (name, time) => {
    const test = recordAt(byName.get(name), time);
    if (test) return test;
    const title = name || "outside of tests";
    if (!others.has(title)) {
      const group = makeNode("group", title, undefined, undefined, null);
      group.state = "group";
      others.set(title, addChild(node, group));
    }
    return others.get(title);
  };
  for (const server of run.servers) addChild(place(server.test, server.asked_ms), serverNode(server, end));
  for (const leak of run.leaks) {
    const test = place(leak.test, leak.found_ms);
    const child = addChild(test, leakNode(leak, test.to, end));
    if (child.bad) test.leaky = true;
  }
  node.children.sort((a, b) => (a.from ?? Infinity) - (b.from ?? Infinity) || 0);
  for (const child of node.children) fixLevels(child, node.level + 1);
  return node;
}

function fixLevels(node, level) {
  node.level = level;
  for (const child of node.children) fixLevels(child, level + 1);
}

// What is bad below a node is open from the start, the rest is not.
function settle(node) {
  let below = false;
  for (const child of node.children) below = settle(child) || below;
  node.badBelow = below || node.bad;
  node.open = node.kind === "run" || node.kind === "group" || (node.kind === "test" && (below || node.bad));
  return node.badBelow;
}

function buildForest(report) {
  const runs = report.runs.map(runNode);
  runs.forEach(settle);
  return runs;
}

function searchText(node) {
  if (node.text !== null) return node.text;
  const parts = [node.name, kWords[node.state] ?? node.state];
  const source = node.source ?? {};
  if (node.kind === "test") {
    for (const failure of source.failures ?? []) parts.push(failure.message);
    parts.push(source.evidence ?? "", source.file ?? "");
  } else if (node.kind === "server") {
    parts.push((source.command ?? []).join(" "), (source.ports ?? []).join(" "), String(source.pid), ...(source.log_tail ?? []));
  } else if (node.kind === "leak") {
    parts.push("leak", source.text ?? "", (source.process.ports ?? []).join(" "), source.server ?? "");
  } else if (node.kind === "run") {
    parts.push(source.id, source.host ?? "", source.ended ?? "", source.abnormal_end ?? "", source.evidence ?? "");
  }
  node.text = parts.join("\n").toLowerCase();
  return node.text;
}

function visit(nodes, action) {
  for (const node of nodes) {
    action(node);
    visit(node.children, action);
  }
}

function formatTime(milliseconds) {
  const sign = milliseconds < 0 ? "−" : "";
  const value = Math.abs(milliseconds);
  if (value < 1000) return sign + (value < 10 && value % 1 ? value.toFixed(1) : Math.round(value)) + " ms";
  if (value < 60e3) return sign + (value / 1000).toFixed(value < 10e3 ? 2 : 1).replace(/\.?0+$/, "") + " s";
  const minutes = Math.floor(value / 60e3);
  const seconds = Math.round((value % 60e3) / 1000);
  if (minutes < 60) return sign + minutes + " min" + (seconds ? " " + seconds + " s" : "");
  return sign + Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
}
