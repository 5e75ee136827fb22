// Addresses of views and their query parameters.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { go, here, link, path, remember, showWith } from "../../sparsetime/explorer/web/router.js";

beforeEach(() => history.replaceState(null, "", "/timeline?d=a&s=3"));

test("the path and the parameters of the address", () => {
  assert.equal(path(), "/timeline");
  assert.equal(here().get("s"), "3");
  assert.equal(link("/features"), "/features");
});

test("parameters are set, and removed where they are empty", () => {
  remember({ s: 4, d: "", pins: "a:1,b:2", from: null });
  assert.equal(location.search, "?s=4&pins=a:1,b:2");
});

test("a token does not stay in the address", () => {
  history.replaceState(null, "", "/?token=secret");
  remember({ rows: 24 });
  assert.equal(location.search, "?rows=24");
});

test("no question mark without parameters", () => {
  remember({ d: "", s: "" });
  assert.equal(location.href, "http://localhost:8000/timeline");
});

test("going to an address draws its view", () => {
  let drawn = "";
  showWith(() => {
    drawn = path();
  });
  go("/features/a/7");
  assert.equal(drawn, "/features/a/7");
});
