// The panel beside the timeline: logs and evidence of one row. Every text is set as text, never as markup.
// Controls and characters without width or that turn the writing direction are shown as what they are.
function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g,
    (character) => "\\u" + character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0"));
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = visible(text);
  return made;
}

function statusText(status) {
  if (!status) return "";
  return status.signal !== undefined
    ? "killed by signal " + status.signal + (status.core ? " (core dumped)" : "")
    : "exited with status " + status.code;
}

// The day as the reader writes it, the time to the millisecond.
function clockTime(milliseconds) {
  const date = new Date(milliseconds);
  const pad = (number, width = 2) => String(number).padStart(width, "0");
  return date.toLocaleDateString() + " " + pad(date.getHours()) + ":" + pad(date.getMinutes()) + ":" + pad(date.getSeconds()) +
    "." + pad(date.getMilliseconds(), 3);
}

function showDetails(panel, node, onClose) {
  panel.replaceChildren();
  const close = element("button", "close", "Close");
  close.addEventListener("click", onClose);
  panel.append(close, element("h2", "", node.name));
  const facts = element("dl");
  const fact = (name, value) => {
    if (value === undefined || value === "" || value === null) return;
    facts.append(element("dt", "", name), element("dd", "", String(value)));
  };
  const block = (title, text) => {
    if (!text) return;
    panel.append(element("h3", "", title), element("pre", "", text));
  };
  panel.append(facts);
  const writers = { run: runDetails, test: testDetails, server: serverDetails, process: processDetails, leak: leakDetails };
  if (node.from !== undefined) {
    fact("began", clockTime(node.from));
    if (node.to !== undefined) fact("took", formatTime(node.to - node.from));
  }
  writers[node.kind]?.(node.source, fact, block);
  panel.hidden = false;
}

function runDetails(run, fact, block) {
  fact("run", run.id);
  fact("machine", run.host);
  fact("directory", run.directory);
  fact("pid", run.pid);
  fact("contained by", run.containment);
  fact(run.is_command ? "command" : "program", run.ended || statusText(run.status));
  fact("ended because", run.ending);
  if (!run.complete) fact("journal", "has no end");
  block("Command", run.command.join(" "));
  block("Did not end well", run.abnormal_end);
  block("Running when its time was over", run.evidence);
  block("Left behind", (run.resources || []).map((left) => (left.test ? left.test + ": " : "") + left.text).join("\n"));
  block("Notes", run.notes.map((note) => note.text).join("\n"));
}

function testDetails(test, fact, block) {
  fact("result", kWords[test.result]);
  if (test.file) fact("defined in", test.file + ":" + (test.line ?? ""));
  if (test.iteration) fact("iteration", test.iteration + 1);
  block("Evidence", test.evidence);
  for (const failure of test.failures ?? []) {
    block((test.result === "skipped" ? "Reason" : "Failure") + (failure.file ? " at " + failure.file + ":" + failure.line : ""),
      failure.message);
  }
  if (test.failures_left_out) fact("more failures", test.failures_left_out);
  block("Kept files", (test.files ?? []).join("\n"));
}

function serverDetails(server, fact, block) {
  fact("test", server.test || "outside of tests");
  fact("pid", server.pid || "never launched");
  fact("ports", (server.ports ?? []).join(", "));
  if (server.ready_ms !== undefined && server.launched_ms !== undefined) {
    fact("ready after", formatTime(server.ready_ms - server.launched_ms));
  } else if (server.launched_ms !== undefined) {
    fact("ready after", "never ready");
  }
  fact("leader", statusText(server.status));
  fact("stopped because", server.cause);
  if (server.stop) {
    fact("stop took", formatTime(server.stop.took_ns / 1e6));
    const killed = server.stop.processes.filter((stopped) => stopped.needed === 9).length;
    fact("processes", server.stop.processes.length + (killed ? ", " + killed + " had to be killed" : ""));
  }
  if (server.warden_lost) fact("warden", "killed from outside");
  fact("log file", server.log);
  block("Command", (server.command ?? []).join(" "));
  block("Still alive", (server.survivors ?? []).map((one) => one.process.pid + " " + commandOf(one.process) + ": " + one.reason).join("\n"));
  block("Last lines of its log", (server.log_tail ?? []).join("\n"));
}

function processDetails(stopped, fact, block) {
  const process = stopped.process;
  fact("pid", process.pid);
  fact("parent", process.parent);
  fact("group, session", process.group + ", " + process.session);
  fact("uid", process.uid);
  fact("ended", stopped.needed === 0 ? "by itself" : "on signal " + stopped.needed + (stopped.needed === 9 ? " (killed)" : ""));
  fact("status", statusText(stopped.status));
  block("Command", commandOf(process));
}

function leakDetails(leak, fact, block) {
  fact("begun by", leak.server ? "server " + leak.server : "the test itself");
  fact("in", leak.test);
  fact("now", leak.reaped ? "reaped: nothing of it is left" : "STILL ALIVE: " + leak.why_alive);
  fact("exempted", leak.exempted);
  fact("listens on", (leak.process.ports ?? []).join(", "));
  fact("escaped", (leak.escapes ?? []).join(", "));
  fact("known by", (leak.evidence ?? []).join(", "));
  fact("directory", leak.process.cwd);
  block("Evidence", leak.text);
}
