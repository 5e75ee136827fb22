// The API, read from its own description.

import { h } from "../../web/dom.js";
import { ask } from "../../web/api.js";

const kind = (schema = {}) => schema.$ref?.split("/").at(-1) ?? (schema.anyOf ? schema.anyOf.map(kind).join(" or ") : schema.type === "array" ? `list of ${kind(schema.items)}` : schema.enum ? schema.enum.map((v) => `“${v}”`).join(" ") : schema.type ?? "any");

export default async function docsView(at) {
  const api = await ask("openapi.json");
  at.append(h("header.head", {}, h("div", {}, h("h1", {}, "API"), h("p.lead", {}, `${api.info.summary} The whole description is `, h("a", { href: "/api/openapi.json", target: "_blank" }, "openapi.json"), "."))));
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const answer = route.responses?.["200"]?.content?.["application/json"]?.schema;
      at.append(h("section.route", {}, h("h2", {}, h("code", {}, `${method.toUpperCase()} ${path}`)), h("p", {}, route.description ?? "", answer ? ` Answers: ${kind(answer)}.` : ""),
        route.parameters?.length ? h("dl", {}, route.parameters.map((each) => h("div", {}, h("dt", {}, h("code", {}, each.name)), h("dd", {}, kind(each.schema), each.description ? `. ${each.description}` : "", each.required ? " Needed." : "")))) : null));
    }
  }
  const schemas = api.components?.schemas ?? {};
  at.append(h("h1.between", {}, "Records"), ...Object.entries(schemas).filter(([name]) => !name.includes("ValidationError")).map(([name, schema]) => h("section.route", { id: name }, h("h2", {}, h("code", {}, name)), h("p", {}, schema.description?.split("\n")[0] ?? ""),
    h("dl", {}, Object.entries(schema.properties ?? {}).map(([field, each]) => h("div", {}, h("dt", {}, h("code", {}, field)), h("dd", {}, kind(each))))))));
}
