// Puts the page together: labels, search, selection, keys and mouse.
class Page {
  constructor(report) {
    this.report = report;
    this.get = (id) => document.getElementById(id);
    this.forest = buildForest(report);
    this.timeline = new Timeline(this, this.forest);
    this.selected = null;
    this.matches = [];
    this.matchSet = new Set();
    this.onlyBad = false;
    this.chooseTheme();
    this.writeHeader();
    this.writeLegend();
    this.listen();
    this.listRows();
    this.draw();
  }

  // ---- what is shown
  listRows() {
    const rows = [];
    const list = (nodes) => {
      for (const node of nodes) {
        if (this.onlyBad && !node.badBelow && !(node.parent && node.parent.bad && node.parent.kind !== "run")) continue;
        rows.push(node);
        if (node.open) list(node.children);
      }
    };
    list(this.forest);
    this.timeline.rows = rows;
    this.rowOf = new Map(rows.map((node, i) => [node, i]));
    this.get("sizer").style.height = rows.length * kRow + kRuler + "px";
    if (this.selected && !this.rowOf.has(this.selected)) this.selected = null;
  }

  draw() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.drawNow();
    });
  }

  drawNow() {
    const scroller = this.get("scroller");
    const height = scroller.clientHeight;
    // On a phone nearly half for the names.
    const share = scroller.clientWidth < 600 ? 0.48 : 0.34;
    const labelWidth = Math.min(360, Math.max(150, scroller.clientWidth * share));
    const width = scroller.clientWidth - labelWidth;
    this.barWidth = width;
    const labels = this.get("labels");
    labels.style.width = labelWidth + "px";
    labels.style.height = height + "px";
    this.get("bars").style.left = labelWidth + "px";
    this.timeline.drawBars(this.get("bars"), width, height, scroller.scrollTop, this.selected);
    this.writeLabels(labels, height, scroller.scrollTop);
    const overview = this.get("overview");
    this.timeline.drawOverview(overview, this.get("timeline").clientWidth, 46);
  }

  writeLabels(labels, height, scrollTop) {
    const rows = this.timeline.rows;
    const first = Math.max(0, Math.floor(scrollTop / kRow));
    const last = Math.min(rows.length, Math.ceil((scrollTop + height - kRuler) / kRow));
    const made = [];
    for (let i = first; i < last; ++i) made.push(this.label(rows[i], i, kRuler + i * kRow - scrollTop));
    const head = element("div", "row head");
    head.style.cssText = "top:0;height:" + kRuler + "px;background:var(--panel);border-bottom:1px solid var(--line);padding-left:10px;z-index:1";
    head.append(element("span", "side", rows.length + " rows"));
    head.setAttribute("role", "presentation");
    labels.replaceChildren(...made, head);
    const scroller = this.get("scroller");
    const selected = this.selected && this.rowOf.get(this.selected);
    if (selected !== null && selected >= first && selected < last) {
      scroller.setAttribute("aria-activedescendant", "row-" + selected);
    } else {
      scroller.removeAttribute("aria-activedescendant");
    }
  }

  label(node, index, top) {
    const row = element("div", "row " + node.kind + " " + node.state);
    row.id = "row-" + index;
    row.style.top = top + "px";
    row.style.paddingLeft = 4 + (node.level - 1) * (window.innerWidth < 600 ? 8 : 14) + "px";
    row.setAttribute("role", "treeitem");
    row.setAttribute("aria-level", node.level);
    row.setAttribute("aria-selected", node === this.selected);
    if (node.children.length) row.setAttribute("aria-expanded", node.open);
    if (this.matchSet.has(node)) row.classList.add("match");
    if (node.kind === "run" && node.bad) row.classList.add("failed");
    const arrow = element("span", "arrow", node.children.length ? (node.open ? "▼" : "▶") : "");
    const signs = { passed: "✓", failed: "✗", timed_out: "!", crashed: "✗", unfinished: "?", leak: "⚠" };
    row.append(arrow, element("span", "sign", signs[node.state] ?? (node.bad ? "✗" : "")), element("span", "name", node.name),
      element("span", "side", this.side(node)));
    row.addEventListener("click", (event) => {
      this.select(node);
      if (event.target === arrow) this.toggle(node);
      else this.openDetails();
    });
    row.addEventListener("dblclick", () => { this.timeline.zoomTo(node); this.draw(); });
    return row;
  }

  side(node) {
    if (node.kind === "run") return [node.source.host, node.source.timed_out ? "timed out" : node.source.ended, formatTime(node.to - node.from)].filter(Boolean).join("  ");
    if (node.kind === "leak") return node.source.exempted ? "exempted" : "leaked";
    if (node.kind === "server" && node.source.ports?.length) return ":" + node.source.ports[0];
    if (node.kind === "test") return node.from === undefined ? kWords[node.state] : formatTime(node.to - node.from);
    return "";
  }

  writeHeader() {
    const counts = this.get("counts");
    const summary = this.report.summary;
    const chip = (text, className, onClick) => {
      const made = element(onClick ? "button" : "span", className, text);
      if (onClick) made.addEventListener("click", onClick);
      counts.append(made);
    };
    if (summary.clean) chip("clean: nothing is left", "good");
    for (const [result, count] of Object.entries(summary.results)) {
      const bad = kBad.has(result);
      chip(count + " " + kWords[result], bad ? "bad" : "", bad ? () => this.next((node) => node.state === result) : null);
    }
    if (summary.leaks) chip(summary.leaks + (summary.leaks === 1 ? " leak" : " leaks"), "bad", () => this.next((node) => node.kind === "leak"));
    const ended = this.forest.filter((run) => run.bad).length;
    if (ended) chip(ended === 1 ? this.forest.find((run) => run.bad).name + " did not end well" : ended + " runs did not end well", "bad", () => this.next((node) => node.kind === "run" && node.bad));
    chip(summary.servers + (summary.servers === 1 ? " server" : " servers"), "");
    if (summary.runs > 1) chip(summary.runs + " runs", "");
    const damage = this.get("damage");
    damage.hidden = this.report.damage.length === 0;
    damage.textContent = visible(this.report.damage.map((text) => "Incomplete: " + text).join("\n"));
    this.get("aligned").checked = this.timeline.aligned;
    this.get("aligned").parentElement.hidden = this.forest.length < 2;
    const names = [...new Set(this.forest.map((run) => run.name))];
    document.title = visible(names.slice(0, 3).join(", ") + (names.length ? " – " : "") + "Curfew report");
  }

  writeLegend() {
    const legend = this.get("legend");
    for (const [colour, text] of [["passed", "passed"], ["failed", "failed, crashed"], ["timed", "timed out"],
      ["skipped", "skipped"], ["launching", "server launching"], ["in-use", "in use"], ["stopping", "stopping"],
      ["process", "process of a server"], ["leak", "leaked: crosses the end of its test; red tick: killed"]]) {
      const entry = element("span");
      const key = element("i");
      key.style.background = "var(--" + colour + ")";
      entry.append(key, document.createTextNode(text));
      legend.append(entry);
    }
  }

  // ---- selection and search
  select(node) {
    this.selected = node;
    if (!this.get("details").hidden) this.openDetails();
    this.draw();
  }

  reveal(node) {
    for (let above = node.parent; above; above = above.parent) above.open = true;
    if (this.onlyBad && !node.badBelow) {
      this.onlyBad = false;
      this.get("only-bad").checked = false;
    }
    this.listRows();
    this.selected = node;
    this.scrollTo(node);
    if (node.from !== undefined) this.moveInto(node);
    this.select(node);
  }

  scrollTo(node) {
    const scroller = this.get("scroller");
    const top = this.rowOf.get(node) * kRow;
    const room = scroller.clientHeight - kRuler - kRow;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    if (top > scroller.scrollTop + room) scroller.scrollTop = top - room / 2;
  }

  moveInto(node) {
    const view = this.timeline;
    const [from, to] = [node.from - node.origin, (node.to ?? node.from) - node.origin];
    if (to < view.from || from > view.to) view.show(from - (view.to - view.from) / 2, from + (view.to - view.from) / 2);
  }

  toggle(node, open = !node.open) {
    if (!node.children.length || node.open === open) return;
    node.open = open;
    this.listRows();
    this.draw();
  }

  // In the order of the whole forest, from behind the selected one, around the end.
  next(wanted, backwards = false) {
    const all = [];
    visit(this.forest, (node) => { if (wanted(node) || node === this.selected) all.push(node); });
    if (backwards) all.reverse();
    const at = all.indexOf(this.selected);
    const found = [...all.slice(at + 1), ...all.slice(0, at + 1)].find(wanted);
    if (found) this.reveal(found);
  }

  search(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.matches = [];
    if (words.length) {
      visit(this.forest, (node) => {
        const within = searchText(node);
        if (words.every((word) => within.includes(word))) this.matches.push(node);
      });
    }
    this.matchSet = new Set(this.matches);
    this.get("matches").textContent = words.length ? this.matches.length + (this.matches.length === 1 ? " match" : " matches") : "";
    // What is looked for is more often the leak than the hundred tests that mention it.
    const best = this.matches.find((node) => node.kind === "leak") ?? this.matches[0];
    if (best) this.reveal(best);
    else this.draw();
  }

  openDetails() {
    if (!this.selected) return;
    const panel = this.get("details");
    const was = panel.hidden;
    showDetails(panel, this.selected, () => this.closeDetails());
    if (was) this.draw();
  }

  closeDetails() {
    this.get("details").hidden = true;
    this.get("scroller").focus();
    this.draw();
  }

  chooseTheme(other = false) {
    const root = document.documentElement;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    if (other) root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    else root.dataset.theme = dark.matches ? "dark" : "light";
    if (!other) dark.addEventListener("change", () => this.chooseTheme());
    root.style.colorScheme = root.dataset.theme;
    this.timeline.readColours();
    if (this.rowOf) this.draw();
  }

  // ---- keys and mouse
  listen() {
    const search = this.get("search");
    search.addEventListener("input", () => this.search(search.value));
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.next((node) => this.matchSet.has(node), event.shiftKey);
      if (event.key === "Escape") { search.value = ""; this.search(""); this.get("scroller").focus(); }
    });
    this.get("only-bad").addEventListener("change", (event) => { this.onlyBad = event.target.checked; this.listRows(); this.draw(); });
    this.get("aligned").addEventListener("change", (event) => {
      this.timeline.aligned = event.target.checked;
      this.timeline.measure();
      this.timeline.fit();
      this.draw();
    });
    const click = (id, action) => this.get(id).addEventListener("click", () => { action(); this.draw(); });
    click("zoom-in", () => this.timeline.zoom(0.6));
    click("zoom-out", () => this.timeline.zoom(1 / 0.6));
    click("fit", () => this.timeline.fit());
    click("theme", () => this.chooseTheme(true));
    click("help-button", () => this.get("help").showModal());
    this.get("scroller").addEventListener("scroll", () => this.drawNow(), { passive: true });
    this.get("scroller").addEventListener("focus", () => { if (!this.selected && this.forest.length) this.select(this.forest[0]); });
    new ResizeObserver(() => this.draw()).observe(this.get("scroller"));
    document.addEventListener("keydown", (event) => this.onKey(event));
    this.listenToBars();
    this.listenToOverview();
  }

  onKey(event) {
    const typing = event.target.tagName === "INPUT" && event.target.type !== "checkbox";
    if (typing || event.ctrlKey || event.metaKey || event.altKey || this.get("help").open) return;
    if (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " ")) return;
    const move = (by) => {
      const rows = this.timeline.rows;
      const at = this.selected ? this.rowOf.get(this.selected) : -1;
      const to = Math.min(Math.max(at + by, 0), rows.length - 1);
      if (rows[to]) { this.select(rows[to]); this.scrollTo(rows[to]); }
    };
    const node = this.selected;
    const page = Math.max(1, Math.floor(this.get("scroller").clientHeight / kRow) - 2);
    const keys = {
      "/": () => this.get("search").focus(),
      "?": () => this.get("help").showModal(),
      "n": () => this.next((one) => this.matchSet.has(one)),
      "N": () => this.next((one) => this.matchSet.has(one), true),
      "b": () => this.next((one) => one.bad),
      "t": () => this.chooseTheme(true),
      "+": () => this.timeline.zoom(0.6),
      "=": () => this.timeline.zoom(0.6),
      "-": () => this.timeline.zoom(1 / 0.6),
      "0": () => this.timeline.fit(),
      "z": () => { if (node) this.timeline.zoomTo(node); },
      "a": () => this.timeline.pan(-0.25),
      "d": () => this.timeline.pan(0.25),
      "ArrowDown": () => move(1),
      "ArrowUp": () => move(-1),
      "PageDown": () => move(page),
      "PageUp": () => move(-page),
      "Home": () => move(-Infinity),
      "End": () => move(Infinity),
      "ArrowRight": () => { if (node && node.children.length && !node.open) this.toggle(node, true); else move(1); },
      "ArrowLeft": () => {
        if (node && node.open && node.children.length) this.toggle(node, false);
        else if (node?.parent) { this.select(node.parent); this.scrollTo(node.parent); }
      },
      "Enter": () => this.openDetails(),
      "Escape": () => this.closeDetails(),
    };
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
    this.draw();
  }

  nodeAt(event) {
    const box = this.get("bars").getBoundingClientRect();
    const y = event.clientY - box.top - kRuler;
    if (y < 0) return null;
    return this.timeline.rows[Math.floor((y + this.get("scroller").scrollTop) / kRow)] ?? null;
  }

  listenToBars() {
    const bars = this.get("bars");
    let drag = null;
    bars.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, from: this.timeline.from, to: this.timeline.to, moved: false };
      bars.setPointerCapture(event.pointerId);
    });
    bars.addEventListener("pointermove", (event) => {
      if (!drag) { this.showTip(event); return; }
      const by = ((event.clientX - drag.x) / this.barWidth) * (drag.to - drag.from);
      if (Math.abs(event.clientX - drag.x) > 3) { drag.moved = true; bars.classList.add("dragging"); }
      if (drag.moved) this.timeline.show(drag.from - by, drag.to - by);
      this.draw();
    });
    bars.addEventListener("pointerup", (event) => {
      const clicked = drag && !drag.moved;
      drag = null;
      bars.classList.remove("dragging");
      const node = clicked ? this.nodeAt(event) : null;
      if (node) { this.select(node); this.openDetails(); }
    });
    bars.addEventListener("pointerleave", () => { this.get("tip").hidden = true; });
    bars.addEventListener("dblclick", (event) => {
      const node = this.nodeAt(event);
      if (node) { this.timeline.zoomTo(node); this.draw(); }
    });
    bars.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      const at = this.timeline.time(event.clientX - bars.getBoundingClientRect().left, this.barWidth);
      if (event.shiftKey) this.timeline.pan(Math.sign(event.deltaY || event.deltaX) * 0.1);
      else this.timeline.zoom(Math.exp(Math.sign(event.deltaY) * 0.25), at);
      this.draw();
    }, { passive: false });
  }

  showTip(event) {
    const node = this.nodeAt(event);
    const tip = this.get("tip");
    tip.hidden = !node;
    if (!node) return;
    const lines = [node.name];
    if (node.kind === "test") lines.push(kWords[node.state]);
    if (node.kind === "leak") lines.push((node.source.server ? "by server " + node.source.server + " in " : "by ") + node.source.test);
    if (node.from !== undefined) {
      lines.push("at " + formatTime(node.from - node.origin - this.timeline.first) + ", took " + formatTime((node.to ?? node.from) - node.from));
    }
    tip.textContent = visible(lines.join("\n"));
    tip.style.left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8) + "px";
    tip.style.top = Math.min(event.clientY + 14, window.innerHeight - tip.offsetHeight - 8) + "px";
  }

  listenToOverview() {
    const overview = this.get("overview");
    const timeAt = (event) => {
      const box = overview.getBoundingClientRect();
      return this.timeline.first + ((event.clientX - box.left) / box.width) * (this.timeline.last - this.timeline.first);
    };
    let begin = null;
    overview.addEventListener("pointerdown", (event) => {
      begin = timeAt(event);
      overview.setPointerCapture(event.pointerId);
    });
    overview.addEventListener("pointerup", (event) => {
      if (begin === null) return;
      const end = timeAt(event);
      const span = this.timeline.to - this.timeline.from;
      if (Math.abs(end - begin) < (this.timeline.last - this.timeline.first) / 200) this.timeline.show(end - span / 2, end + span / 2);
      else this.timeline.show(Math.min(begin, end), Math.max(begin, end));
      begin = null;
      this.draw();
    });
  }
}

const page = new Page(JSON.parse(document.getElementById("report").textContent));
requestAnimationFrame(() => requestAnimationFrame(() => {
  // For tests of this page: how long it took from the start of loading until it was drawn.
  document.documentElement.dataset.drawn = Math.round(performance.now());
}));
