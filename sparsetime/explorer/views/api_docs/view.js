// The HTTP API, written from its OpenAPI description.

import { ask } from "../../web/api.js";
import { h } from "../../web/dom.js";

/**
 * @typedef {{$ref?: string, anyOf?: Schema[], type?: string, items?: Schema, enum?: unknown[],
 *   description?: string, properties?: Record<string, Schema>}} Schema
 * @typedef {{name: string, schema?: Schema, description?: string, required?: boolean}} Parameter
 * @typedef {{description?: string, parameters?: Parameter[],
 *   responses?: Record<string, {content?: Record<string, {schema?: Schema}>}>}} Operation
 * @typedef {{info: {summary: string}, paths: Record<string, Record<string, Operation>>,
 *   components?: {schemas?: Record<string, Schema>}}} Description
 */

/**
 * A schema's type in words.
 * @param {Schema} [schema]
 * @returns {string}
 */
function typeName(schema = {}) {
  if (schema.$ref) return schema.$ref.split("/").at(-1) ?? "";
  if (schema.anyOf) return schema.anyOf.map(typeName).join(" or ");
  if (schema.type === "array") return `list of ${typeName(schema.items)}`;
  if (schema.enum) return schema.enum.map((value) => `“${value}”`).join(" ");
  return schema.type ?? "any";
}

/** @param {HTMLElement} at */
export default async function docsView(at) {
  /** @type {Description} */
  const api = await ask("openapi.json");
  const whole = h("a", { href: "/api/openapi.json", target: "_blank" }, "openapi.json");
  const lead = h("p.lead", {}, `${api.info.summary} The whole description is `, whole, ".");
  const routes = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) =>
      routeSection(`${method.toUpperCase()} ${path}`, operation),
    ),
  );
  const records = Object.entries(api.components?.schemas ?? {})
    .filter(([name]) => !name.includes("ValidationError"))
    .map(([name, schema]) => recordSection(name, schema));
  at.append(
    h("header.head", {}, h("div", {}, h("h1", {}, "API"), lead)),
    ...routes,
    h("h1.between", {}, "Records"),
    ...records,
  );
}

/**
 * @param {string} title
 * @param {Operation} operation
 */
function routeSection(title, { description = "", parameters = [], responses }) {
  const answer = responses?.["200"]?.content?.["application/json"]?.schema;
  const text = `${description}${answer ? ` Answers: ${typeName(answer)}.` : ""}`;
  const list = parameters.map(({ name, schema, description, required }) =>
    h(
      "div",
      {},
      h("dt", {}, h("code", {}, name)),
      h(
        "dd",
        {},
        typeName(schema),
        description ? `. ${description}` : "",
        required ? " Needed." : "",
      ),
    ),
  );
  return h(
    "section.route",
    {},
    h("h2", {}, h("code", {}, title)),
    h("p", {}, text),
    list.length ? h("dl", {}, list) : null,
  );
}

/**
 * @param {string} name
 * @param {Schema} schema
 */
function recordSection(name, { description = "", properties = {} }) {
  const fields = Object.entries(properties).map(([field, schema]) =>
    h("div", {}, h("dt", {}, h("code", {}, field)), h("dd", {}, typeName(schema))),
  );
  return h(
    "section.route",
    { id: name },
    h("h2", {}, h("code", {}, name)),
    description.split(/\n\s*\n/).map((text) => h("p", {}, text)),
    h("dl", {}, fields),
  );
}
