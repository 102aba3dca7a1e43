"use strict";

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function resolve(api, schema) {
  if (!schema || !schema.$ref) return schema || {};
  return schema.$ref.split("/").slice(1).reduce((node, key) => node[key], api);
}

function typeName(api, schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map((part) => typeName(api, part)).join(" | ");
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.type === "array") return "list of " + typeName(api, schema.items);
  return schema.type || "any";
}

function table(columns, rows) {
  const node = element("table");
  const head = node.appendChild(element("tr"));
  columns.forEach((name) => head.appendChild(element("th", "", name)));
  rows.forEach((row) => {
    const line = node.appendChild(element("tr"));
    row.forEach((cell, i) => {
      const holder = line.appendChild(element("td"));
      holder.appendChild(i === 0 ? element("code", "", cell) : document.createTextNode(cell));
    });
  });
  return node;
}

function fields(api, schema, into, seen) {
  const found = resolve(api, schema);
  if (found.anyOf) found.anyOf.forEach((part) => fields(api, part, into, seen));
  if (found.type === "array") fields(api, found.items, into, seen);
  const name = schema && schema.$ref;
  if (!found.properties || (name && seen.has(name))) return;
  if (name) seen.add(name);
  into.appendChild(element("h3", "", found.title || "Body"));
  into.appendChild(table(["field", "type", "meaning"], Object.entries(found.properties).map(
    ([key, value]) => [key, typeName(api, value), value.description || ""])));
  Object.values(found.properties).forEach((value) => fields(api, value, into, seen));
}

function route(api, path, verb, operation) {
  const node = element("details");
  const summary = node.appendChild(element("summary"));
  summary.appendChild(element("span", "verb", verb.toUpperCase()));
  summary.appendChild(element("span", "path", path));
  summary.appendChild(element("span", "what", (operation.description || operation.summary || "").split("\n")[0]));
  const body = node.appendChild(element("div", "body"));
  const parameters = operation.parameters || [];
  if (parameters.length) {
    body.appendChild(element("h3", "", "Parameters"));
    body.appendChild(table(["name", "in", "type", "meaning"], parameters.map((p) => [
      p.name + (p.required ? " *" : ""), p.in, typeName(api, p.schema), p.description || p.schema.description || ""])));
  }
  const sent = operation.requestBody && operation.requestBody.content["application/json"];
  if (sent) fields(api, sent.schema, body, new Set());
  Object.entries(operation.responses).forEach(([code, response]) => {
    body.appendChild(element("h3", "", code + " " + response.description));
    const json = response.content && (response.content["application/json"] || response.content["application/problem+json"]);
    if (json && code < 300) fields(api, json.schema, body, new Set());
  });
  return node;
}

fetch("/openapi.json").then((response) => response.json()).then((api) => {
  document.getElementById("about").textContent =
    `Version ${api.info.version}. ${api.info.summary || ""} Described by /openapi.json.`;
  const routes = document.getElementById("routes");
  Object.entries(api.paths).forEach(([path, verbs]) =>
    Object.entries(verbs).forEach(([verb, operation]) => routes.appendChild(route(api, path, verb, operation))));
}).catch((error) => {
  document.getElementById("about").textContent = "The API description could not be read: " + error;
});
