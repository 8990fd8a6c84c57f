// The bars: a canvas for the rows in sight, one for the overview, and the window of time they show.
const kRow = 22;
const kRuler = 24;

class Timeline {
  constructor(page, forest) {
    this.page = page;
    this.forest = forest;
    this.rows = [];
    this.aligned = this.shouldAlign();
    this.colours = {};
    this.measure();
    this.fit();
  }

  // Shards of different hours would else be dots with nothing in between.
  shouldAlign() {
    if (this.forest.length < 2) return false;
    const longest = Math.max(...this.forest.map((run) => run.to - run.from));
    const span = Math.max(...this.forest.map((run) => run.to)) - Math.min(...this.forest.map((run) => run.from));
    return span > 4 * this.forest.length * Math.max(longest, 1);
  }

  measure() {
    if (this.aligned) {
      this.first = 0;
      this.last = Math.max(1, ...this.forest.map((run) => run.to - run.from));
    } else {
      this.first = Math.min(...this.forest.map((run) => run.from));
      this.last = Math.max(this.first + 1, ...this.forest.map((run) => run.to));
    }
    if (!Number.isFinite(this.first)) [this.first, this.last] = [0, 1];
    const origins = new Map();
    for (const run of this.forest) origins.set(run, this.aligned ? run.from : 0);
    const spread = (node, origin) => {
      node.origin = origin;
      for (const child of node.children) spread(child, origin);
    };
    for (const run of this.forest) spread(run, origins.get(run));
  }

  fit() {
    const margin = (this.last - this.first) * 0.02;
    [this.from, this.to] = [this.first - margin, this.last + margin];
  }

  show(from, to) {
    const span = this.last - this.first;
    const width = Math.min(Math.max(to - from, 0.5), span * 1.5);
    const middle = (from + to) / 2;
    const clamped = Math.min(Math.max(middle, this.first - span * 0.02), this.last + span * 0.02);
    [this.from, this.to] = [clamped - width / 2, clamped + width / 2];
  }

  zoom(factor, at = (this.from + this.to) / 2) {
    this.show(at - (at - this.from) * factor, at + (this.to - at) * factor);
  }

  pan(share) {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }

  zoomTo(node) {
    if (node.from === undefined) return;
    const width = Math.max((node.to ?? node.from) - node.from, 2);
    this.show(node.from - node.origin - width * 0.4, node.from - node.origin + width * 1.6);
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["--back", "--panel", "--line", "--text", "--faint", "--select", "--grid", "--passed", "--failed", "--timed",
      "--skipped", "--not-run", "--launching", "--in-use", "--stopping", "--process", "--leak", "--focus"]) {
      this.colours[name] = style.getPropertyValue(name).trim();
    }
  }

  static prepare(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
    if (canvas.width !== w) canvas.width = w;
    if (canvas.height !== h) canvas.height = h;
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }

  x(time, width) { return ((time - this.from) / (this.to - this.from)) * width; }
  time(x, width) { return this.from + (x / width) * (this.to - this.from); }

  drawBars(canvas, width, height, scrollTop, selected) {
    const context = Timeline.prepare(canvas, width, height);
    const firstRow = Math.max(0, Math.floor(scrollTop / kRow));
    const lastRow = Math.min(this.rows.length, Math.ceil((scrollTop + height - kRuler) / kRow));
    this.drawGrid(context, width, height);
    for (let i = firstRow; i < lastRow; ++i) {
      const y = kRuler + i * kRow - scrollTop;
      const node = this.rows[i];
      if (node === selected) {
        context.fillStyle = this.colours["--select"];
        context.fillRect(0, y, width, kRow);
      }
      this.drawNode(context, node, y, width);
    }
    this.drawRuler(context, width);
  }

  drawNode(context, node, y, width) {
    if (node.kind === "run") {
      context.fillStyle = this.colours["--line"];
      const left = Math.max(0, this.x(node.from - node.origin, width));
      const right = Math.min(width, this.x(node.to - node.origin, width));
      if (right > left) context.fillRect(left, y + kRow / 2 - 1, right - left, 2);
      return;
    }
    for (const bar of node.bars) this.drawBar(context, node, bar, y, width);
    if (node.killed && node.to !== undefined) {
      context.fillStyle = this.colours["--leak"];
      context.fillRect(this.x(node.to - node.origin, width) - 2, y + 3, 3, kRow - 6);
    }
    if (node.testEnd !== undefined) this.drawTestEnd(context, node, y, width);
  }

  drawBar(context, node, bar, y, width) {
    const left = this.x(bar.from - node.origin, width);
    const right = Math.max(this.x(bar.to - node.origin, width), left + 2);
    if (right < 0 || left > width) return;
    const inset = node.kind === "test" || node.kind === "leak" ? 4 : 7;
    const [x, w] = [Math.max(left, -4), Math.min(right, width + 4) - Math.max(left, -4)];
    context.fillStyle = this.colours[bar.colour] ?? bar.colour;
    context.globalAlpha = bar.hatched ? 0.4 : 1;
    context.beginPath();
    context.roundRect(x, y + inset, w, kRow - 2 * inset, Math.min(3, w / 2));
    context.fill();
    context.globalAlpha = 1;
  }

  // Where its test ended: what is right of this line should not be there.
  drawTestEnd(context, node, y, width) {
    const x = Math.round(this.x(node.testEnd - node.origin, width)) + 0.5;
    if (x < 0 || x > width) return;
    context.strokeStyle = this.colours["--text"];
    context.lineWidth = 1;
    context.setLineDash([2, 2]);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x, y + kRow);
    context.stroke();
    context.setLineDash([]);
  }

  step(width) {
    const wanted = ((this.to - this.from) / width) * 110;
    const power = 10 ** Math.floor(Math.log10(wanted));
    for (const factor of [1, 2, 5, 10]) if (power * factor >= wanted) return power * factor;
    return power * 10;
  }

  drawGrid(context, width, height) {
    const step = this.step(width);
    context.fillStyle = this.colours["--grid"];
    for (let time = this.gridStart(step); time <= this.to; time += step) {
      context.fillRect(Math.round(this.x(time, width)), 0, 1, height);
    }
  }

  gridStart(step) { return this.first + Math.ceil((this.from - this.first) / step) * step; }

  drawRuler(context, width) {
    context.fillStyle = this.colours["--panel"];
    context.fillRect(0, 0, width, kRuler);
    context.fillStyle = this.colours["--line"];
    context.fillRect(0, kRuler - 1, width, 1);
    context.fillStyle = this.colours["--faint"];
    context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    context.textBaseline = "middle";
    const step = this.step(width);
    for (let time = this.gridStart(step); time <= this.to; time += step) {
      context.fillText(formatTime(time - this.first), this.x(time, width) + 4, kRuler / 2);
    }
  }

  // All of the time at once; leaks and bad tests are never too narrow to be seen.
  drawOverview(canvas, width, height) {
    const context = Timeline.prepare(canvas, width, height);
    const scale = width / (this.last - this.first);
    const bands = { test: [16, 8], server: [26, 6], leak: [34, 8] };
    const draw = (node) => {
      const band = bands[node.kind];
      if (!band || node.from === undefined) return;
      const x = (node.from - node.origin - this.first) * scale;
      context.fillStyle = this.colours[(node.bars[0] ?? { colour: "--process" }).colour];
      if (node.kind === "server") context.fillStyle = this.colours["--in-use"];
      context.fillRect(x, band[0], Math.max(((node.to ?? node.from) - node.from) * scale, node.bad ? 2 : 1), band[1]);
    };
    visit(this.forest, (node) => { if (!node.bad) draw(node); });
    visit(this.forest, (node) => { if (node.bad) draw(node); });
    context.fillStyle = this.colours["--focus"];
    const left = Math.max(0, (this.from - this.first) * scale);
    const right = Math.min(width, (this.to - this.first) * scale);
    context.globalAlpha = 0.14;
    context.fillRect(left, 0, right - left, height);
    context.globalAlpha = 1;
    context.fillRect(left, 0, 2, height);
    context.fillRect(right - 2, 0, 2, height);
    context.fillStyle = this.colours["--faint"];
    context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    context.textBaseline = "middle";
    context.fillText("0", 6, 8);
    const total = formatTime(this.last - this.first);
    context.fillText(total, width - context.measureText(total).width - 6, 8);
  }
}
