"""The API reference at /docs: the OpenAPI document as one readable page, without scripts and without anything from elsewhere."""

from functools import cache
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
METHODS = ("get", "post", "put", "delete")
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API reference · {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="{style}/css/tokens.css"><link rel="stylesheet" href="{style}/css/reference.css"></head><body>
<header><h1>{title} <small>{version}</small></h1><p>{about}</p><p><a href="/openapi.json">The OpenAPI document</a></p></header>
<nav aria-label="Operations"><ul>{index}</ul></nav><main>{operations}<h2 id="shapes">Shapes</h2>{shapes}</main></body></html>"""


@router.get("/docs", response_class=HTMLResponse)
async def reference(request: Request) -> HTMLResponse:
    page = _page(request.app, str(getattr(request.app.state, "static", "")))
    return HTMLResponse(page, headers={"content-security-policy": POLICY})


@cache
def _page(app: FastAPI, style: str) -> str:
    document = app.openapi()
    operations = [
        (path, method, document["paths"][path][method])
        for path in sorted(document["paths"])
        for method in METHODS
        if method in document["paths"][path]
    ]
    index = "".join(f'<li><a href="#{_id(m, p)}"><b>{m.upper()}</b> {escape(p)}</a></li>' for p, m, _ in operations)
    shapes = document.get("components", {}).get("schemas", {})
    return PAGE.format(
        title=escape(document["info"]["title"]),
        version=escape(document["info"]["version"]),
        about=escape(document["info"].get("description", "")).replace("\n", " "),
        style=style,
        index=index,
        operations="".join(_operation(path, method, one) for path, method, one in operations),
        shapes="".join(_shape(name, shape) for name, shape in sorted(shapes.items())),
    )


def _id(method: str, path: str) -> str:
    return method + "".join(sign if sign.isalnum() else "-" for sign in path)


def _operation(path: str, method: str, one: dict[str, Any]) -> str:
    words = escape(one.get("description") or one.get("summary", ""))
    rows = [
        (parameter["name"], parameter.get("schema", {}), parameter.get("required", False), f"in {parameter['in']}")
        for parameter in one.get("parameters", [])
    ]
    body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    asked = f"<p>Body: {_type(body)}</p>" if body else ""
    answers = "".join(
        f"<tr><th scope='row'>{code}</th><td>{escape(answer.get('description', ''))}</td><td>{_answer(answer)}</td></tr>"
        for code, answer in one.get("responses", {}).items()
    )
    return (
        f'<section id="{_id(method, path)}"><h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2><p>{words}</p>'
        f"{_table(rows)}{asked}<table><caption>Answers</caption>{answers}</table></section>"
    )


def _answer(answer: dict[str, Any]) -> str:
    for content in answer.get("content", {}).values():
        return _type(content["schema"]) if "schema" in content else ""
    return ""


def _shape(name: str, shape: dict[str, Any]) -> str:
    needed = shape.get("required", [])
    rows = [(field, schema, field in needed, "") for field, schema in shape.get("properties", {}).items()]
    words = escape(shape.get("description", ""))
    return f'<section id="shape-{escape(name)}"><h3>{escape(name)}</h3><p>{words}</p>{_table(rows)}</section>'


def _table(rows: list[tuple[str, dict[str, Any], bool, str]]) -> str:
    if not rows:
        return ""
    cells = "".join(
        f"<tr><th scope='row'><code>{escape(name)}</code></th><td>{_type(schema)} {where}</td>"
        f"<td>{'required' if needed else 'optional'}</td><td>{escape(schema.get('description', ''))} {_bounds(schema)}</td></tr>"
        for name, schema, needed, where in rows
    )
    return f"<table><caption>Fields</caption>{cells}</table>"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#shape-{escape(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return escape(" ".join(str(schema[key]) for key in ("type", "format") if key in schema) or "any")


def _bounds(schema: dict[str, Any]) -> str:
    names = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minimum": "from {}",
        "maximum": "to {}",
    }
    return escape("; ".join(words.format(schema[key]) for key, words in names.items() if key in schema))
