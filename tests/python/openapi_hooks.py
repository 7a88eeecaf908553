"""Puts what the test has made in the agent into the requests of schemathesis, so that they reach it.

`$OPENAPI_SEEDS` is JSON: for each operation ids for its path, values for its query, a body that is accepted.
"""

import itertools
import json
import os

import schemathesis

SEEDS = json.loads(os.environ["OPENAPI_SEEDS"])
IDS = {operation: itertools.cycle(seed["ids"]) for operation, seed in SEEDS.items() if "ids" in seed}
sent_whole = set()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Changes only parts that are meant to be good; schemathesis looks at them again."""
    modes = {location.value: part.mode for location, part in case.meta.components.items()}
    good = {part for part, mode in modes.items() if mode.is_positive}
    operation = case.operation.label
    seed = SEEDS.get(operation, {})
    if "path" in good and operation in IDS:
        case.path_parameters["id"] = next(IDS[operation])
    if "query" in good:
        known = {"profile": "default", **seed.get("query", {})}
        if len(case.query) > 1:
            # A stream is waited for; the one without other parameters shows what it is.
            known["follow"] = "false"
        case.query.update({name: value for name, value in known.items() if name in case.query})
    if "body" in good and isinstance(case.body, dict):
        if case.body.get("profile") is not None:
            case.body["profile"] = "default"
        if "body" in seed:
            # The first as it is, the others with whatever else was made up.
            others = case.body if operation in sent_whole else {}
            case.body = {**others, **seed["body"]}
            sent_whole.add(operation)
