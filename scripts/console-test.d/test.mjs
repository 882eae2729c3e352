// The console in a browser. Each check is a sentence; the first that fails ends the run.
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { chromium } from "playwright-core";

const { STACK, SCREENSHOTS, CHROMIUM, REDIS_CLI, SHOPCTL } = process.env;
const { credentials, running } = JSON.parse(readFileSync(STACK, "utf8"));
const origin = running.console_url;
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/// A page waits for services; a machine in a test is busy.
const SOON = 30_000;
const schemes = ["light", "dark"];

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
const breaches = [];
let failures = 0;

async function check(sentence, body) {
  const began = Date.now();
  try {
    const told = await body();
    console.log(`ok    ${sentence} (${((Date.now() - began) / 1000).toFixed(1)} s)${told ? `: ${told}` : ""}`);
  } catch (error) {
    failures += 1;
    console.log(`FAIL  ${sentence}\n      ${String(error.message ?? error).replaceAll("\n", "\n      ")}`);
  }
}

function expect(condition, words) {
  if (!condition) throw new Error(words);
}

// A browser of its own, which notes breaches of the policy and requests to elsewhere.
async function visitor(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(SOON);
  const page = await context.newPage();
  page.on("console", (line) => {
    if (/content security policy|refused to/i.test(line.text())) breaches.push(`${page.url()}: ${line.text()}`);
  });
  page.on("pageerror", (error) => breaches.push(`${page.url()}: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) breaches.push(`a request to ${request.url()}`);
  });
  return page;
}

async function logIn(page, { email, password }) {
  await page.goto(`${origin}/login`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

function redis(...command) {
  const { hostname, port, username, password } = new URL(running.redis_url);
  const at = ["-h", hostname, "-p", port, "--user", username || "default", "--no-auth-warning"];
  const env = { ...process.env, REDISCLI_AUTH: decodeURIComponent(password) };
  return execFileSync(REDIS_CLI, [...at, ...command], { encoding: "utf8", env }).trim();
}

// An event that no version of the consumer reads.
function spoil(count) {
  for (let n = 0; n < count; n += 1) {
    redis("XADD", "order_completed", "*", "id", randomUUID(), "type", "shop.order.completed.v9");
  }
}

const admin = await visitor();
const user = await visitor();
let order;

await check("the first page weighs less than 150 kB", async () => {
  const page = await visitor();
  await logIn(page, credentials.admin);
  const { cookies } = await page.context().storageState();
  await page.context().close();
  const fresh = await visitor();
  await fresh.context().addCookies(cookies);
  const began = Date.now();
  await fresh.goto(`${origin}/?live=off`, { waitUntil: "load" });
  const took = Date.now() - began;
  const bytes = await fresh.evaluate(() => {
    const parts = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return parts.reduce((sum, part) => sum + part.transferSize, 0);
  });
  await fresh.context().close();
  expect(bytes > 10_000 && bytes < 150_000, `${bytes} bytes`);
  return `${(bytes / 1000).toFixed(0)} kB, loaded after ${took} ms`;
});

await check("an ADMIN logs in and sees the map", async () => {
  await logIn(admin, credentials.admin);
  await admin.getByRole("heading", { name: "POST /orders" }).waitFor();
  await admin.getByText("Live.", { exact: true }).waitFor();
});

// A picture of an idle system shows little.
let load;
if (SCREENSHOTS) {
  const args = ["--data-dir", dirname(STACK), "load", "--rate", "25", "--time", "150s"];
  load = spawn(SHOPCTL, args, { stdio: "ignore" });
  await admin.waitForTimeout(120_000);
}

await check("a USER orders, and sees the order end without a reload", async () => {
  await logIn(user, credentials.user);
  await user.getByRole("button", { name: "Order" }).first().click();
  await user.waitForURL("**/orders/*");
  order = user.url().split("/").pop();
  let loads = 0;
  user.on("framenavigated", () => (loads += 1));
  await user.locator(".timeline").getByText("confirmed").waitFor();
  expect(loads === 0, "the page was loaded again");
});

await check("the order counts in the rate on the map", async () => {
  const rates = admin.locator(".saga dd").filter({ hasText: /^[0-9.]+\/s$/ });
  await rates.filter({ hasNotText: /^0\/s$/ }).first().waitFor();
});

await check("a USER sees no page of an ADMIN", async () => {
  for (const path of ["/streams", "/dead-letters", "/products", "/accounts", "/audit", "/faults"]) {
    const answer = await user.goto(origin + path);
    expect(answer.status() === 403, `${path}: ${answer.status()}`);
    await user.getByRole("heading", { name: "For administrators" }).waitFor();
  }
});

await check("nobody sees a page without a login", async () => {
  const stranger = await visitor();
  await stranger.goto(`${origin}/orders?status=pending`);
  expect(stranger.url().includes("/login?next="), stranger.url());
  await stranger.context().close();
});

await check("a consumer that dies shows in the feed without a reload", async () => {
  await admin.goto(`${origin}/faults`);
  await admin.getByRole("button", { name: "Panic the consumer of order_completed" }).first().click();
  await admin.waitForURL("**/streams");
  await user.goto(`${origin}/shop`);
  await user.getByRole("button", { name: "Order" }).first().click();
  await admin.locator(".feed li").filter({ hasText: "ended" }).first().waitFor();
  await user.locator(".timeline").getByText("confirmed").waitFor();
});

await check("a dead letter is redriven after a dry run", async () => {
  spoil(3);
  const card = admin.locator(".card").filter({ hasText: "unreadable" });
  for (const deadline = Date.now() + SOON; Date.now() < deadline && (await card.count()) === 0; ) {
    await admin.goto(`${origin}/dead-letters`);
  }
  await card.getByRole("link", { name: "Show and choose" }).click();
  await admin.getByLabel("Choose all of this page").check();
  await admin.getByRole("button", { name: "Redrive the chosen..." }).click();
  await admin.getByRole("button", { name: /^Redrive \d+$/ }).click();
  await admin.getByText("finished", { exact: true }).waitFor();
  expect(Number(await admin.locator("dd").first().textContent()) > 0, "nothing went out again");
});

await check("all dead letters of a group are discarded, with a reason", async () => {
  const card = admin.locator(".card").filter({ hasText: /3 of order_completed: unreadable/ });
  for (const deadline = Date.now() + SOON; Date.now() < deadline && (await card.count()) === 0; ) {
    await admin.goto(`${origin}/dead-letters`);
  }
  await card.getByRole("button", { name: "Discard all..." }).click();
  await admin.getByLabel("Reason, for the audit trail").fill("a test");
  await admin.getByRole("button", { name: /^Discard 3$/ }).click();
  await admin.getByText("finished", { exact: true }).waitFor();
  await admin.goto(`${origin}/dead-letters`);
  await admin.getByText("None. Every event was processed").waitFor();
});

await check("the only ADMIN is told why it stays one", async () => {
  await admin.goto(`${origin}/accounts`);
  const row = admin.getByRole("row").filter({ hasText: credentials.admin.email });
  await row.getByRole("button", { name: "Make USER..." }).click();
  await admin.getByRole("button", { name: "Make USER" }).click();
  await admin.getByText("Nothing was changed. This account is the only ADMIN.").waitFor();
});

// Something to see on the pages that follow.
spoil(7);
const letters = async () => {
  await admin.goto(`${origin}/dead-letters`);
  return (await admin.locator("td a code").count()) > 0;
};
for (const deadline = Date.now() + SOON; Date.now() < deadline && !(await letters()); );
const letter = await admin.locator("td a").first().getAttribute("href");
const group = await admin.getByRole("link", { name: "Show and choose" }).first().getAttribute("href");

// A product that was sold, if there is a load.
await admin.goto(`${origin}/products`);
const sold = admin.locator("td a").filter({ hasNotText: "DEMO" });
const product = (await sold.count()) > 0 ? await sold.first().textContent() : "DEMO-MUG";

const pages = [
  ["login", null, "/login"],
  ["now", admin, "/"],
  ["orders", admin, "/orders"],
  ["order", admin, `/orders/${order}`],
  ["streams", admin, "/streams"],
  ["dead-letters", admin, "/dead-letters"],
  ["dead-letter-group", admin, new URL(group, origin).href.slice(origin.length)],
  ["dead-letter", admin, new URL(letter, origin).href.slice(origin.length)],
  ["job", admin, "/dead-letters/job"],
  ["products", admin, "/products"],
  ["product", admin, `/products/${product}`],
  ["accounts", admin, "/accounts"],
  ["audit", admin, "/audit"],
  ["invariants", admin, "/invariants"],
  ["faults", admin, "/faults"],
  ["shop", user, "/shop"],
  ["not-found", admin, "/nowhere"],
];

for (const [name, of, path] of pages) {
  await check(`${name}: axe finds nothing, and nothing is wider than 360 px`, async () => {
    const page = of ?? (await visitor());
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.goto(origin + path, { waitUntil: "load" });
      if (path === "/") await page.waitForTimeout(1500);
      await page.evaluate(axeSource);
      const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
      expect(passes.length > 10, `axe made ${passes.length} checks`);
      const words = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n  ")}`);
      expect(violations.length === 0, `${colorScheme}: ${words.join("\n")}`);
      if (SCREENSHOTS) {
        mkdirSync(SCREENSHOTS, { recursive: true });
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        const clip = { x: 0, y: 0, width: 1280, height: Math.min(height, 1400) };
        await page.screenshot({ path: `${SCREENSHOTS}/${name}-${colorScheme}.png`, fullPage: true, clip });
      }
      await page.setViewportSize({ width: 360, height: 800 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width <= 360, `${colorScheme}: ${width} px wide at 360 px`);
    }
  });
}

await check("no page broke the content policy or asked another host", async () => {
  expect(breaches.length === 0, breaches.join("\n"));
});

load?.kill();
await browser.close();
process.exitCode = failures === 0 ? 0 : 1;
