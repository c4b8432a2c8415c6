"""Print how PostgreSQL goes about the statements of every message, as it plans them for keeps.

python -m tests.bench.plans        name, then each scan of a table, separated by tabs, a line each
"""

from __future__ import annotations

import os
import re

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from django.db import connection  # noqa: E402

from handoffs.sending import hot_path, to_ai_agent  # noqa: E402
from handoffs.starting.turns import statements  # noqa: E402

STATEMENTS = {
    "to the vendor": hot_path._TO_VENDOR,
    "from the vendor": hot_path._FROM_VENDOR,
    "taken by the vendor": hot_path._SENT,
    "to the AI agent": to_ai_agent._TO_AI_AGENT,
    "turn begun": statements._CLAIM,
    "turn written": statements._WRITE,
    "whose turn is next": statements._NEXT,
}
SCAN = re.compile(r"(Seq Scan|Index(?: Only)? Scan using \S+|Bitmap Index Scan) on (\S+)")


def scans(statement: str) -> list[str]:
    """Return each scan of a table or index in the plan that does not depend on values."""
    names: dict[str, int] = {}
    numbered = re.sub(
        r"%\((\w+)\)s", lambda m: f"${names.setdefault(m[1], len(names) + 1)}", statement
    )
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {numbered}")
        found = (SCAN.search(line) for (line,) in cursor.fetchall())
    return sorted({match[0] for match in found if match})


if __name__ == "__main__":
    for name, statement in STATEMENTS.items():
        print(name, *scans(statement), sep="\t")
