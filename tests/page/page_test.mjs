// SPDX-License-Identifier: Apache-2.0
// node page_test.mjs WRITE_FORMATS CHROMIUM [SCREENSHOTS]: the page that Curfew writes, as a reader meets it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { bigReport, jumpReport } from "./big_report.mjs";

const [writeFormats, executablePath, screenshots] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "curfew-page-"));
writeFileSync(join(folder, "big.json"), JSON.stringify(bigReport(1000, 5000)));
execFileSync(writeFormats, [folder, join(folder, "big.json")], { stdio: "inherit" });
execFileSync(writeFormats, [folder], { stdio: "inherit" });

// For a machine that is busy: nothing here waits longer than it has to.
const patience = 240_000;
const browser = await chromium.launch({ executablePath, timeout: patience, args: process.getuid() === 0 ? ["--no-sandbox"] : [] });
let failed = 0;

async function open(name, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 800 }, ...options });
  page.setDefaultTimeout(patience);
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(error.message));
  page.on("console", (message) => { if (message.type() === "error") page.problems.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith("file:")) page.problems.push("asks for " + request.url()); });
  page.on("dialog", (dialog) => { page.problems.push("a script of the data ran"); dialog.dismiss(); });
  await page.goto(pathToFileURL(join(folder, name)).href);
  await page.waitForFunction(() => document.documentElement.dataset.drawn);
  return page;
}

async function check(title, name, body, options) {
  let page;
  try {
    page = await open(name, options);
    await body(page);
    assert.deepEqual(page.problems, []);
    console.log("ok      " + title);
  } catch (error) {
    ++failed;
    console.log("FAILED  " + title + "\n" + (error.stack ?? error));
  } finally {
    await page?.close();
  }
}

const text = (page, selector) => page.locator(selector).innerText();
const selectedName = (page) => text(page, '.row[aria-selected="true"] .name');
const frame = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
// Whether the canvas of the bars shows a colour of the theme anywhere.
const shows = (page, colour) => page.evaluate((name) => {
  const canvas = document.getElementById("bars");
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] === 255) return true;
  return false;
}, colour);

await check("says of a command without tests how it ended", "command.html", async (page) => {
  assert.match(await text(page, "#counts"), /ctest did not end well/);
  assert.doesNotMatch(await text(page, "#counts"), /clean/);
  await page.getByRole("button", { name: "ctest did not end well" }).click();
  assert.equal(await selectedName(page), "ctest");
  assert.match(await text(page, ".row.run"), /✗[^]*timed out/);
  await page.locator(".row.run").click();
  assert.match(await text(page, "#details"), /was still running after its timeout of 300 ms; it was killed by SIGTERM[^]*9 deaf one/);
  await page.locator("#search").fill("deaf");
  assert.equal(await page.locator(".row.match").count(), 1);
});

await check("draws 1,000 tests and 5,000 processes", "report.html", async (page) => {
  const drawn = Number(await page.evaluate(() => document.documentElement.dataset.drawn));
  console.log(`        drawn ${drawn} ms after navigation began (goal: 2000)`);
  assert.equal(await page.evaluate(() => { let n = 0; visit(page.forest, () => ++n); return n; }), 1 + 1000 + 1000 + 4000 + 5);
  assert.match(await text(page, "#counts"), /5 leaks/);
  assert.ok(await page.locator('.row[role="treeitem"]').count() > 10);
  assert.ok(await page.locator('.row[role="treeitem"]').count() < 100, "only rows in sight are elements");
  assert.ok(await shows(page, "--passed"));
});

await check("finds a leak by search, and shows its evidence", "report.html", async (page) => {
  await page.keyboard.press("/");
  await page.keyboard.type("nosy-exporter 9100");
  assert.equal(await text(page, "#matches"), "5 matches");
  await frame(page);
  assert.match(await selectedName(page), /nosy-exporter/);
  assert.ok(await shows(page, "--leak"), "its bar is red");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Enter");
  assert.match(await text(page, "#details"), /begun by\s+server redis/);
  assert.match(await text(page, "#details"), /its parent is gone/);
  await page.keyboard.press("Escape");
  assert.ok(await page.locator("#details").isHidden());
});

await check("the bar of a leak crosses the end of its test", "report.html", async (page) => {
  const crossing = await page.evaluate(() => {
    const leaks = [];
    visit(page.forest, (node) => { if (node.kind === "leak") leaks.push(node.to > node.testEnd && node.from < node.testEnd); });
    return leaks;
  });
  assert.deepEqual(crossing, [true, true, true, true, true]);
});

await check("works by keyboard alone", "report.html", async (page) => {
  await page.locator("#scroller").focus();
  assert.equal(await selectedName(page), "kv_test");
  await page.keyboard.press("ArrowDown");
  await frame(page);
  assert.equal(await selectedName(page), "Suite0.Case0");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await frame(page);
  assert.equal(await selectedName(page), "redis");
  await page.keyboard.press("Enter");
  assert.match(await text(page, "#details"), /Ready to accept connections/);
  await page.keyboard.press("ArrowLeft");
  await frame(page);
  assert.equal(await selectedName(page), "Suite0.Case0");
  assert.ok(await page.locator("#scroller").getAttribute("aria-activedescendant"));
  await page.keyboard.press("b");
  await frame(page);
  assert.equal(await selectedName(page), "Suite0.Case13");
  assert.match(await text(page, "#details"), /Expected equality of these values/);
  const width = () => page.evaluate(() => page.timeline.to - page.timeline.from);
  const before = await width();
  await page.keyboard.press("+");
  assert.ok((await width()) < before);
  await page.keyboard.press("0");
  assert.equal(await width(), before);
  await page.keyboard.press("?");
  assert.ok(await page.locator("#help").isVisible());
});

await check("zooms with the wheel and moves by dragging", "report.html", async (page) => {
  const view = () => page.evaluate(() => [page.timeline.from, page.timeline.to]);
  const before = await view();
  const box = await page.locator("#bars").boundingBox();
  await page.mouse.move(box.x + 300, box.y + 300);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -100);
  await page.keyboard.up("Control");
  await frame(page);
  const zoomed = await view();
  assert.ok(zoomed[1] - zoomed[0] < before[1] - before[0]);
  await page.mouse.down();
  await page.mouse.move(box.x + 200, box.y + 300, { steps: 4 });
  await page.mouse.up();
  assert.ok((await view())[0] > zoomed[0]);
});

await check("only-bad hides what is good", "report.html", async (page) => {
  await page.locator("#only-bad").check();
  await frame(page);
  assert.equal(await page.evaluate(() => page.timeline.rows.filter((node) => node.state === "passed" && !node.leaky).length), 0);
  assert.equal(await page.evaluate(() => page.timeline.rows.filter((node) => node.kind === "leak").length), 5);
});

for (const colorScheme of ["light", "dark"]) {
  await check("wears " + colorScheme, "report.html", async (page) => {
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), colorScheme);
    const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(back, colorScheme === "light" ? "rgb(255, 255, 255)" : "rgb(20, 23, 28)");
    if (screenshots) await page.screenshot({ path: join(screenshots, colorScheme + "-all.png") });
    await page.fill("#search", "nosy");
    await page.locator("#scroller").focus();
    for (const key of ["z", "-", "-", "Enter"]) await page.keyboard.press(key);
    await frame(page);
    if (screenshots) await page.screenshot({ path: join(screenshots, colorScheme + "-leak.png") });
  }, { colorScheme });
}

await check("fits a phone", "report.html", async (page) => {
  const [wide, legend, labels] = await page.evaluate(() => [document.documentElement.scrollWidth - innerWidth,
    innerHeight - document.getElementById("legend").getBoundingClientRect().bottom, document.getElementById("labels").clientWidth]);
  assert.ok(wide <= 0, "no scrolling to the side");
  assert.ok(legend >= 0, "the list scrolls, not the page: the legend is in sight");
  assert.ok(labels > 150 && labels < 390 * 0.6, "names and bars share the room");
  await page.fill("#search", "nosy");
  await frame(page);
  assert.match(await selectedName(page), /^\d+ nosy-exporter/, "its program first, not the directory of that");
  if (screenshots) await page.screenshot({ path: join(screenshots, "phone.png") });
}, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

writeFileSync(join(folder, "jump.json"), JSON.stringify(jumpReport()));
execFileSync(writeFormats, [folder, join(folder, "jump.json")], { stdio: "inherit" });
await check("a clock that was set back and forth", "report.html", async (page) => {
  assert.doesNotMatch(await text(page, "#labels"), /NaN|−/, "no negative time, no time that is none");
  await page.evaluate(() => visit(page.forest, (node) => {
    if (node.from !== undefined && !(node.to >= node.from)) throw new Error(node.kind + " " + node.name + " ends before it begins");
  }));
  await page.locator("#scroller").focus();
  for (const key of ["End", "z", "-", "0", "b", "Enter"]) await page.keyboard.press(key);
});

await check("wild names stay text", "wild.html", async (page) => {
  assert.match(await page.evaluate(() => document.querySelector("#damage").textContent), /<\/script><!--<script>alert\(1\)/);
  await page.locator("#scroller").focus();
  for (let i = 0; i < 12; ++i) {
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
  }
  assert.equal(await page.locator("script").count(), 2);
  assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /[\u0007\u001b\u202e\u2028]/);
  if (screenshots) await page.screenshot({ path: join(screenshots, "wild.png") });
});

await check("runs of a merged report, aligned or not", "plain.html", async (page) => {
  assert.equal(await page.locator(".row.run").count(), 2);
  assert.ok(await page.locator("#aligned").isVisible());
  await page.locator("#aligned").check();
  await page.locator("#aligned").uncheck();
  if (screenshots) await page.screenshot({ path: join(screenshots, "plain.png") });
});

await check("an empty report is a page, too", "empty.html", async (page) => {
  assert.match(await text(page, "#counts"), /clean/);
  await page.locator("#scroller").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("b");
});

await browser.close();
rmSync(folder, { recursive: true });
if (failed) console.log(`${failed} failed`);
process.exit(failed ? 1 : 0);
