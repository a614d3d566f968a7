"""What the API's schema tells of every operation alike: how errors look, and the manners (manners.py)."""

from typing import Any

#: RFC 9457.
PROBLEM = {
    "type": "object",
    "description": "What is wrong (RFC 9457). `errors` has sentences for each field; without a name, about "
    "the whole.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
    "required": ["type", "title", "status", "detail"],
}
_ANSWER = {"$ref": "#/components/schemas/Problem"}


def _header(name: str, description: str) -> dict[str, Any]:
    return {"in": "header", "name": name, "schema": {"type": "string"}, "description": description}


ONCE = _header("Idempotency-Key", "The same request with the same key is carried out once.")
IF_MATCH = _header("If-Match", "The ETag with which it was read: else 412.")
IF_NONE_MATCH = _header("If-None-Match", "The ETag that is known already: then 304.")


def tell_manners(result: dict[str, Any], **_named: Any) -> dict[str, Any]:
    """A hook of drf-spectacular, called when all else is told."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            answers = operation["responses"]
            for codes in ("4XX", "5XX"):
                answers[codes] = {
                    "description": "What is wrong.",
                    "content": {"application/problem+json": {"schema": _ANSWER}},
                }
            parameters = operation.setdefault("parameters", [])
            match method:
                case "get" if path.endswith("{id}/"):
                    parameters.append(IF_NONE_MATCH)
                    answers["304"] = {"description": "It is as it was."}
                case "post":
                    parameters.append(ONCE)
                case "patch" | "delete" if path.endswith("{id}/"):
                    parameters.append(IF_MATCH)
    return result
