// Times and durations, on the cases that the Python version is tested on as well.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { durationText, timeText } from "../../sparsetime/explorer/web/time_text.js";

const cases = JSON.parse(await readFile(new URL("time_text.json", import.meta.url), "utf-8"));

for (const { time, step, start, text } of cases.times)
  test(`the time ${text}`, () => assert.equal(timeText(time, step, start), text));

for (const { duration, text } of cases.durations)
  test(`the duration ${text}`, () => assert.equal(durationText(duration), text));
